/** Upstreams that could not be reached, or must not be. */
import { describeMistakes } from './describe-mistakes.ts';

describeMistakes([
  {
    title: "the gateway's own port as an upstream, and a route that its endpoints win over",
    config: [
      'proxy: { port: 8000 }',
      'upstreams: [{ name: api, url: "http://localhost:8000" }]',
      'routes:',
      '  - { path: /*, upstream: api }',
      '  - { path: /metrics, upstream: api }',
    ].join('\n'),
    lines: [
      'proxy.yml:2:31 warning: upstreams[0].url: "http://localhost:8000" is the gateway\'s own port: requests would go in circles until their time is up',
      'proxy.yml:5:13 warning: routes[1].path: "/metrics" is answered by the gateway itself; proxy.endpoints.metrics: false gives it to this route',
    ],
  },
  {
    title: 'nowhere to go',
    config: ['upstreams:', '  - name: api', '    timeout: 5s', 'routes: [{ path: /*, upstream: api }]'].join('\n'),
    lines: ['proxy.yml:2:5 upstreams[0]: says nowhere to send requests; expected one of url, targets and builtin'],
  },
  {
    title: 'two places to go',
    config: [
      'upstreams:',
      '  - name: api',
      '    url: http://a',
      '    targets: [{ url: http://b }]',
      'routes: [{ path: /*, upstream: api }]',
    ].join('\n'),
    lines: [
      'proxy.yml:4:5 upstreams[0].targets: says where to send requests 2 times; expected one of url, targets and builtin',
    ],
  },
  {
    title: 'urls',
    config: [
      'upstreams:',
      '  - { name: a, url: "localhost:8080" }',
      '  - { name: b, url: "ftp://x" }',
      '  - { name: c, url: "http://u:s3cret@x/" }',
      '  - { name: d, url: "http://x?key=s3cret" }',
      '  - { name: e, url: "http://x#f" }',
      '  - { name: f, url: "http://x:0" }',
      '  - { name: g, url: "http://" }',
      '  - { name: h, url: "http://a b" }',
      'routes: [{ path: /*, upstream: [{ name: a }, { name: b }, { name: c }, { name: d }, { name: e }, { name: f }, { name: g }, { name: h }] }]',
    ].join('\n'),
    lines: [
      'proxy.yml:2:21 upstreams[0].url: "localhost:8080" is no url; did you mean "http://localhost:8080"?',
      'proxy.yml:3:21 upstreams[1].url: "ftp://x" is no url of an HTTP server; expected a url such as http://orders:8080 or https://api.example.com',
      'proxy.yml:4:21 upstreams[2].url: "http://…@x/" holds a user or password; expected the credentials in request.headers.set of the routes',
      'proxy.yml:5:21 upstreams[3].url: "http://x?…" holds a query or fragment; expected scheme, host, port and a base path at most',
      'proxy.yml:6:21 upstreams[4].url: "http://x#f" holds a query or fragment; expected scheme, host, port and a base path at most',
      'proxy.yml:7:21 upstreams[5].url: "http://x:0" names port 0; expected a port from 1 to 65535',
      'proxy.yml:8:21 upstreams[6].url: "http://" is no url; expected a url such as http://orders:8080 or https://api.example.com',
      'proxy.yml:9:21 upstreams[7].url: "http://a b" is no url; expected a url such as http://orders:8080 or https://api.example.com',
    ],
  },
  {
    title: 'a name that is taken',
    config: [
      'upstreams:',
      '  - { name: a, url: "http://a" }',
      '  - { name: a, url: "http://b" }',
      'routes: [{ path: /*, upstream: a }]',
    ].join('\n'),
    lines: ['proxy.yml:3:13 upstreams[1].name: "a" is already the name of upstreams[0] (proxy.yml:2)'],
  },
  {
    title: 'an upstream that no route uses',
    config: [
      'upstreams:',
      '  - { name: a, url: "http://a" }',
      '  - { name: b, url: "http://b" }',
      'routes: [{ path: /*, upstream: a }]',
    ].join('\n'),
    lines: ['proxy.yml:3:13 warning: upstreams[1].name: "b" is used by no route'],
  },
  {
    title: 'a target that is there twice',
    config: [
      'upstreams:',
      '  - name: api',
      '    targets: [{ url: http://a }, { url: http://b }, { url: http://a }]',
      'routes: [{ path: /*, upstream: api }]',
    ].join('\n'),
    lines: [
      'proxy.yml:3:60 warning: upstreams[0].targets[2].url: "http://a" is targets[0] already: give that one more weight instead',
    ],
  },
  {
    title: 'weights that are all 0',
    config: [
      'upstreams:',
      '  - name: api',
      '    targets: [{ url: http://a, weight: 0 }, { url: http://b, weight: 0 }]',
      'routes: [{ path: /*, upstream: api }]',
    ].join('\n'),
    lines: [
      'proxy.yml:3:14 upstreams[0].targets: all weights are 0, so that nothing could be chosen; expected one above 0',
    ],
  },
  {
    title: 'a host that is not on the list',
    config: [
      'security: { allowedHosts: ["*.good.com"] }',
      'upstreams:',
      '  - { name: a, url: "http://x.good.com" }',
      '  - { name: b, url: "http://good.com" }',
      'routes: [{ path: /*, upstream: [{ name: a }, { name: b }] }]',
    ].join('\n'),
    lines: [
      'proxy.yml:4:21 warning: upstreams[1].url: the host of "http://good.com" is not in security.allowedHosts, so that its requests are refused',
    ],
  },
  {
    title: 'a host that is not on the list, strictly',
    config: [
      'security: { allowedHosts: [good.com] }',
      'upstreams: [{ name: b, url: "http://bad.com" }]',
      'routes: [{ path: /*, upstream: b }]',
    ].join('\n'),
    options: { strict: true },
    lines: [
      'proxy.yml:2:29 upstreams[0].url: the host of "http://bad.com" is not in security.allowedHosts, so that its requests are refused',
    ],
  },
  {
    title: 'TLS files',
    config: [
      'upstreams:',
      '  - name: api',
      '    url: https://x',
      '    tls: { ca: no.pem, cert: a.pem }',
      'routes: [{ path: /*, upstream: api }]',
    ].join('\n'),
    lines: [
      'proxy.yml:4:5 upstreams[0].tls: names only one of cert and key; expected both, for mutual TLS',
      'proxy.yml:4:16 upstreams[0].tls.ca: "no.pem" can\'t be read: there is no such file',
      'proxy.yml:4:30 upstreams[0].tls.cert: "a.pem" can\'t be read: there is no such file',
    ],
  },
  {
    title: 'TLS that does nothing or protects nobody',
    config: [
      'upstreams:',
      '  - name: api',
      '    url: http://x',
      '    tls: { verify: false }',
      'routes: [{ path: /*, upstream: api }]',
    ].join('\n'),
    lines: [
      'proxy.yml:4:5 warning: upstreams[0].tls: does nothing: no url of this upstream is https',
      'proxy.yml:4:20 warning: upstreams[0].tls.verify: lets anybody pose as this upstream',
    ],
  },
  {
    title: 'what to hash on without hashing',
    config: [
      'upstreams:',
      '  - name: api',
      '    url: http://x',
      '    hashOn: cookie',
      'routes: [{ path: /*, upstream: api }]',
    ].join('\n'),
    lines: [
      'proxy.yml:4:13 upstreams[0].hashOn: "cookie" does not fit here; expected ip, consumer, or header:NAME',
      'proxy.yml:4:13 warning: upstreams[0].hashOn: does nothing without `balance: consistent-hash`',
    ],
  },
]);
