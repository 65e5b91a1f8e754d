/** Keys and values that do not fit the format: all of them at once, each with its place and what was expected. */
import { describeMistakes } from './describe-mistakes.ts';

describeMistakes([
  {
    title: 'several mistakes in one line',
    config: [
      'proxy: { prt: 1, timeout: soon, maxBodySize: 10 mb, workers: many }',
      'upstreams: [{ name: api, url: "http://api:8080" }]',
      'routes: [{ path: /*, upstream: api }]',
    ].join('\n'),
    lines: [
      'proxy.yml:1:10 proxy.prt: unknown key "prt"; did you mean "port"?',
      'proxy.yml:1:27 proxy.timeout: "soon" does not fit here; expected a duration such as 250ms, 30s, 5m, or milliseconds',
      'proxy.yml:1:46 proxy.maxBodySize: "10 mb" does not fit here; expected a size such as 64kb, 10mb, or bytes',
      'proxy.yml:1:62 proxy.workers: "many" does not fit here; expected auto, or a whole number from 1 to 1024',
    ],
  },
  {
    title: 'an unknown section',
    config: ['upstreams: [{ name: api, url: "http://api:8080" }]', 'routs: []'].join('\n'),
    lines: [
      'proxy.yml:1:1 warning: routes: no routes: every request gets 404',
      'proxy.yml:1:21 warning: upstreams[0].name: "api" is used by no route',
      'proxy.yml:2:1 routs: unknown key "routs"; did you mean "routes"?',
    ],
  },
  {
    title: 'numbers of the wrong kind or size',
    config: [
      'proxy: { port: 70000, timeout: -1, maxHeaders: 3.5, limits: { maxConnections: .inf } }',
      'upstreams: [{ name: api, url: "http://api:8080" }]',
      'routes: [{ path: /*, upstream: api }]',
    ].join('\n'),
    lines: [
      'proxy.yml:1:16 proxy.port: 70000 is too large; expected a port from 0 to 65535',
      'proxy.yml:1:32 proxy.timeout: -1 is too small; expected a duration such as 250ms, 30s, 5m, or milliseconds',
      'proxy.yml:1:48 proxy.maxHeaders: 3.5 does not fit here; expected a whole number, from 1 to 2000',
      'proxy.yml:1:79 proxy.limits.maxConnections: .inf does not fit here; expected a whole number, at least 0',
    ],
  },
  {
    title: 'a time longer than a timer can wait',
    config: [
      'proxy: { timeout: 1000h }',
      'upstreams: [{ name: api, url: "http://api:8080" }]',
      'routes: [{ path: /*, upstream: api }]',
    ].join('\n'),
    lines: [
      'proxy.yml:1:19 proxy.timeout: "1000h" is too large; expected a duration such as 250ms, 30s, 5m, or milliseconds, at most 596h',
    ],
  },
  {
    title: 'a number in quotes',
    config: [
      'admin: { port: "9901" }',
      'upstreams: [{ name: api, url: "http://api:8080" }]',
      'routes: [{ path: /*, upstream: api }]',
    ].join('\n'),
    lines: ['proxy.yml:1:16 admin.port: "9901" does not fit here; expected a port from 0 to 65535'],
  },
  {
    title: 'true in quotes',
    config: [
      'upstreams: [{ name: api, url: "http://api:8080" }]',
      'routes:',
      '  - path: /api/*',
      '    upstream: api',
      '    preserveHost: "true"',
    ].join('\n'),
    lines: ['proxy.yml:5:19 routes[0].preserveHost: "true" does not fit here; expected true or false'],
  },
  {
    title: 'a word in the wrong case',
    config: [
      'upstreams: [{ name: api, url: "http://api:8080" }]',
      'routes:',
      '  - path: /api/*',
      '    upstream: api',
      '    priority: High',
    ].join('\n'),
    lines: ['proxy.yml:5:15 routes[0].priority: "High" does not fit here; did you mean "high"?'],
  },
  {
    title: 'a key without a value',
    config: [
      'upstreams: [{ name: api, url: "http://api:8080" }]',
      'routes:',
      '  - path: /api/*',
      '    upstream: api',
      '    auth:',
      '    rateLimit:',
    ].join('\n'),
    lines: [
      'proxy.yml:5:10 routes[0].auth: is empty; expected one of none, optional, required, or a map with require, mode',
      'proxy.yml:6:15 routes[0].rateLimit: is empty; expected a map with max, windowMs, key, message, mode',
    ],
  },
  {
    title: 'a missing key',
    config: ['upstreams: [{ url: "http://a" }]', 'routes: [{ upstream: [{ weight: 1 }] }]'].join('\n'),
    lines: [
      'proxy.yml:1:13 upstreams[0].name: is missing; expected a name',
      'proxy.yml:2:10 routes[0].path: is missing; expected a path such as /api/users, /users/:id or /api/*',
      'proxy.yml:2:23 routes[0].upstream[0].name: is missing; expected the name of an upstream',
    ],
  },
  {
    title: 'a mistyped required key is one mistake, not two',
    config: ['upstreams: [{ nam: api, url: "http://a" }]', 'routes: [{ path: /*, respond: {} }]'].join('\n'),
    lines: ['proxy.yml:1:15 upstreams[0].nam: unknown key "nam"; did you mean "name"?'],
  },
  {
    title: 'the wrong kind of value where several kinds may stand',
    config: [
      'upstreams: [{ name: api, url: "http://api:8080" }]',
      'routes:',
      '  - { path: /a, upstream: { name: api }, auth: yes, consumers: all }',
      '  - 5',
    ].join('\n'),
    lines: [
      'proxy.yml:1:21 warning: upstreams[0].name: "api" is used by no route',
      'proxy.yml:3:27 routes[0].upstream: a map does not fit here; expected the name of an upstream, or a list of entries, each a map with name, weight',
      'proxy.yml:3:48 routes[0].auth: "yes" does not fit here; expected one of none, optional, required',
      'proxy.yml:3:64 routes[0].consumers: "all" does not fit here; expected a list, or a map with allow, mode',
      'proxy.yml:4:5 routes[1]: 5 does not fit here; expected a map with name, path, host, methods, headers, upstream, sticky, …',
    ],
  },
  {
    title: 'a short form written long, with a mistake in it',
    config: [
      'upstreams: [{ name: api, url: "http://api:8080" }]',
      'routes:',
      '  - path: /api/*',
      '    upstream: api',
      '    auth: { requre: required }',
    ].join('\n'),
    lines: ['proxy.yml:5:13 routes[0].auth.requre: unknown key "requre"; did you mean "require"?'],
  },
  {
    title: 'empty lists where one entry is needed',
    config: [
      'upstreams: [{ name: api, url: "http://api:8080" }]',
      'routes:',
      '  - path: /api/*',
      '    upstream: api',
      '    methods: []',
    ].join('\n'),
    lines: ['proxy.yml:5:14 routes[0].methods: is an empty list; expected at least one entry'],
  },
  {
    title: 'retry rules',
    config: [
      'upstreams:',
      '  - name: api',
      '    url: http://a',
      '    retries: { attempts: 3, on: [5xx, 503, 200, nope], methods: [post], budget: 20 }',
      'routes: [{ path: /*, upstream: api }]',
    ].join('\n'),
    lines: [
      'proxy.yml:4:44 upstreams[0].retries.on[2]: 200 does not fit here; expected connect, reset, timeout, 5xx, or a status from 400 to 599',
      'proxy.yml:4:49 upstreams[0].retries.on[3]: "nope" does not fit here; expected connect, reset, timeout, 5xx, or a status from 400 to 599',
      'proxy.yml:4:66 upstreams[0].retries.methods[0]: "post" is not a method of HTTP; did you mean "POST"?',
      'proxy.yml:4:81 upstreams[0].retries.budget: 20 is too large; expected a percentage such as 20%, or a share from 0 to 1',
    ],
  },
  {
    title: 'text where a number was meant for text',
    config: [
      'upstreams: [{ name: api, url: "http://api:8080" }]',
      'routes:',
      '  - path: /api/*',
      '    upstream: api',
      '    name: 5',
    ].join('\n'),
    lines: ['proxy.yml:5:11 routes[0].name: 5 is a number; put text in quotes; expected a name'],
  },
]);
