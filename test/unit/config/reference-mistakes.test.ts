/** References that lead nowhere, and values out of references that do not fit; what they gave is never shown. */
import { describeMistakes } from './describe-mistakes.ts';

describeMistakes([
  {
    title: 'a variable that is not set',
    config: [
      'proxy: { port: "${PORT}" }',
      'upstreams: [{ name: api, url: "http://api:8080" }]',
      'routes: [{ path: /*, upstream: api }]',
    ].join('\n'),
    lines: ['proxy.yml:1:16 proxy.port: the environment variable PORT is not set; set it, or write ${PORT:-default}'],
  },
  {
    title: 'a variable that gives no number',
    config: [
      'proxy: { port: "${PORT}" }',
      'upstreams: [{ name: api, url: "http://api:8080" }]',
      'routes: [{ path: /*, upstream: api }]',
    ].join('\n'),
    options: { env: { PORT: 's3cret' } },
    lines: ['proxy.yml:1:16 proxy.port: what "${PORT}" gives does not fit here; expected a port from 0 to 65535'],
  },
  {
    title: 'a variable that gives a number out of bounds',
    config: [
      'proxy: { port: "${PORT}" }',
      'upstreams: [{ name: api, url: "http://api:8080" }]',
      'routes: [{ path: /*, upstream: api }]',
    ].join('\n'),
    options: { env: { PORT: '70000' } },
    lines: ['proxy.yml:1:16 proxy.port: what "${PORT}" gives is too large; expected a port from 0 to 65535'],
  },
  {
    title: 'a default that is empty',
    config: [
      'proxy: { traceToken: "${TOKEN:-}" }',
      'upstreams: [{ name: api, url: "http://api:8080" }]',
      'routes: [{ path: /*, upstream: api }]',
    ].join('\n'),
    lines: ['proxy.yml:1:22 proxy.traceToken: "${TOKEN:-}" gives an empty text; expected a token'],
  },
  {
    title: 'a reference without an end',
    config: [
      'proxy: { host: "${HOST" }',
      'upstreams: [{ name: api, url: "http://api:8080" }]',
      'routes: [{ path: /*, upstream: api }]',
    ].join('\n'),
    lines: [
      'proxy.yml:1:16 proxy.host: "${" does not open a reference such as ${NAME}, ${NAME:-default} or ${file:/path}; write "$${" for the characters themselves',
    ],
  },
  {
    title: 'a file that is not there',
    config: [
      'proxy: { traceToken: "${file:/no/such/file}" }',
      'upstreams: [{ name: api, url: "http://api:8080" }]',
      'routes: [{ path: /*, upstream: api }]',
    ].join('\n'),
    lines: ['proxy.yml:1:22 proxy.traceToken: the file "/no/such/file" can\'t be read: there is no such file'],
  },
  {
    title: 'an upstream named by a variable',
    config: ['upstreams: [{ name: api, url: "http://api:8080" }]', 'routes: [{ path: /*, upstream: "${WHERE}" }]'].join(
      '\n',
    ),
    options: { env: { WHERE: 's3cret' } },
    lines: ['proxy.yml:2:32 routes[0].upstream: "${WHERE}" is not an upstream; expected the name of an upstream'],
  },
  {
    title: 'REDIS_URL that is no url of a Redis',
    config: [
      'rateLimit: { backend: redis }',
      'upstreams: [{ name: api, url: "http://api:8080" }]',
      'routes: [{ path: /*, upstream: api }]',
    ].join('\n'),
    options: { env: { REDIS_URL: 'http://:s3cret@redis' } },
    lines: [
      'proxy.yml:1:12 rateLimit.redis.url: the environment variable REDIS_URL, which replaces it, is no url of a Redis; expected redis://host:port or rediss://host:port',
    ],
  },
]);
