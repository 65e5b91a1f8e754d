/** Locks and limits that could not work, and listeners that could not listen. */
import { describeMistakes } from './describe-mistakes.ts';

describeMistakes([
  {
    title: 'keys, which are never shown',
    config: [
      'security:',
      '  auth:',
      '    type: apiKey',
      '    header: Host',
      '    keys:',
      '      - { key: supers3cret, name: A }',
      '      - { key: abababababababababababababababababababababababababababababababab, name: B }',
      '      - { key: ABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABAB, name: C }',
      'upstreams: [{ name: api, url: "http://api:8080" }]',
      'routes: [{ path: /*, upstream: api, auth: required, consumers: [a, B] }]',
    ].join('\n'),
    lines: [
      'proxy.yml:2:3 warning: security.auth: has no secret: digests of keys are plain SHA-256, which can be guessed offline once they leak',
      'proxy.yml:4:13 security.auth.header: "Host" belongs to the connection or to the gateway; expected a header of its own such as X-API-Key',
      'proxy.yml:6:16 warning: security.auth.keys[0].key: is no hex digest of 64 characters, so that no key can ever match it; `sluice keys hash` makes one',
      'proxy.yml:8:16 security.auth.keys[2].key: is there twice',
      'proxy.yml:10:65 warning: routes[0].consumers[0]: "a" is the name of no key; did you mean "A"?',
    ],
  },
  {
    title: 'a key that is no digest, strictly',
    config: [
      'security: { auth: { type: apiKey, secret: x, keys: [{ key: supers3cret, name: A }] } }',
      'upstreams: [{ name: api, url: "http://api:8080" }]',
      'routes: [{ path: /*, upstream: api }]',
    ].join('\n'),
    options: { strict: true },
    lines: [
      'proxy.yml:1:60 security.auth.keys[0].key: is no hex digest of 64 characters, so that no key can ever match it; `sluice keys hash` makes one',
    ],
  },
  {
    title: 'keys wanted where there are none',
    config: [
      'upstreams: [{ name: api, url: "http://api:8080" }]',
      'routes:',
      '  - { path: /a, upstream: api, auth: required }',
      '  - { path: /b, upstream: api, auth: { require: required } }',
      '  - { path: /c, upstream: api, consumers: [x] }',
    ].join('\n'),
    lines: [
      'proxy.yml:3:38 warning: routes[0].auth: this and another route want a key, but security.auth has none: every request gets 401',
      'proxy.yml:5:43 warning: routes[2].consumers: this route does not ask who a client is (auth: none): every request gets 403',
      'proxy.yml:5:44 warning: routes[2].consumers[0]: "x" is the name of no key',
    ],
  },
  {
    title: 'a file of keys that is not there',
    config: [
      'security: { auth: { type: apiKey, secret: x, keysFile: nokeys.yml } }',
      'upstreams: [{ name: api, url: "http://api:8080" }]',
      'routes: [{ path: /*, upstream: api }]',
    ].join('\n'),
    lines: [
      'proxy.yml:1:56 security.auth.keysFile: "nokeys.yml" can\'t be read: there is no such file; expected a file with a list of keys, or with [] as long as there is none',
    ],
  },
  {
    title: 'DNS servers that are none',
    config: [
      'proxy: { dns: { servers: [ns.example.com, 10.0.0.53, "10.0.0.53:0", "[fd00::53]:5353", "fd00::53", "10.0.0.5300"] } }',
      'upstreams: [{ name: api, url: "http://api" }]',
      'routes: [{ path: /*, upstream: api }]',
    ].join('\n'),
    lines: [
      'proxy.yml:1:27 proxy.dns.servers[0]: "ns.example.com" is no address of a DNS server; expected an address such as 10.0.0.53, 10.0.0.53:5353 or [fd00::53]:5353',
      'proxy.yml:1:54 proxy.dns.servers[2]: "10.0.0.53:0" is no address of a DNS server; expected an address such as 10.0.0.53, 10.0.0.53:5353 or [fd00::53]:5353',
      'proxy.yml:1:100 proxy.dns.servers[5]: "10.0.0.5300" is no address of a DNS server; expected an address such as 10.0.0.53, 10.0.0.53:5353 or [fd00::53]:5353',
    ],
  },
  {
    title: 'addresses and CIDRs',
    config: [
      'proxy: { trustedProxies: [10.0.0.0/33, 300.1.1.1, "::/129", 10.0.0.0/8, "::1"] }',
      'security: { allowedHosts: ["api.com:80"], blockedIPs: [nope, fe80::1%eth0] }',
      'upstreams: [{ name: api, url: "http://api.com:80" }]',
      'routes: [{ path: /*, upstream: api }]',
    ].join('\n'),
    lines: [
      'proxy.yml:1:27 proxy.trustedProxies[0]: "10.0.0.0/33" is no address and no CIDR; expected an address such as 10.1.2.3, or a CIDR such as 10.0.0.0/8',
      'proxy.yml:1:40 proxy.trustedProxies[1]: "300.1.1.1" is no address and no CIDR; expected an address such as 10.1.2.3, or a CIDR such as 10.0.0.0/8',
      'proxy.yml:1:51 proxy.trustedProxies[2]: "::/129" is no address and no CIDR; expected an address such as 10.1.2.3, or a CIDR such as 10.0.0.0/8',
      'proxy.yml:2:28 security.allowedHosts[0]: "api.com:80" is no host; expected a host such as api.example.com or *.example.com, without scheme and port',
      'proxy.yml:2:56 security.blockedIPs[0]: "nope" is no address and no CIDR; expected an address such as 10.1.2.3, or a CIDR such as 10.0.0.0/8',
      'proxy.yml:2:62 security.blockedIPs[1]: "fe80::1%eth0" is no address and no CIDR; expected an address such as 10.1.2.3, or a CIDR such as 10.0.0.0/8',
    ],
  },
  {
    title: 'limits and Redis',
    config: [
      'rateLimit:',
      '  global: { max: 0, windowMs: 0, key: header }',
      '  perRoute: [{ path: api, max: 1, windowMs: 1m, key: clint }]',
      '  backend: memory',
      '  redis: { url: "http://:s3cret@x", sentinels: [a], cluster: ["b:1"], prefix: "{a}" }',
      'upstreams: [{ name: api, url: "http://api:8080" }]',
      'routes: [{ path: /*, upstream: api }]',
    ].join('\n'),
    lines: [
      'proxy.yml:2:18 rateLimit.global.max: 0 is too small; expected a whole number, from 1 to 1000000000',
      'proxy.yml:2:31 rateLimit.global.windowMs: 0 is too small; expected a duration such as 250ms, 30s, 5m, or milliseconds, at least 1ms',
      'proxy.yml:2:39 rateLimit.global.key: "header" does not fit here; expected client, ip, consumer, all, or header:NAME',
      'proxy.yml:3:22 rateLimit.perRoute[0].path: "api" must start with "/", as in "/api/*"',
      'proxy.yml:3:54 rateLimit.perRoute[0].key: "clint" does not fit here; did you mean "client"?',
      'proxy.yml:5:17 rateLimit.redis.url: "http://…@x" is no url of a Redis; expected redis://host:port or rediss://host:port',
      'proxy.yml:5:49 rateLimit.redis.sentinels[0]: "a" is no address of a Redis; expected host:port, such as redis-1:6379',
      "proxy.yml:5:62 rateLimit.redis.cluster: can't go with sentinels; expected one of sentinels and cluster",
      'proxy.yml:5:79 rateLimit.redis.prefix: "{a}" does not fit before the names of keys; expected 1 to 64 letters, digits and - _ . :',
    ],
  },
  {
    title: 'a Redis that no limit asks, since the backend is not named',
    config: [
      'rateLimit:',
      '  redis: { url: "redis://a:1", onError: closed }',
      'upstreams: [{ name: api, url: "http://api:8080" }]',
      'routes: [{ path: /*, upstream: api }]',
    ].join('\n'),
    lines: ['proxy.yml:2:3 warning: rateLimit.redis: does nothing without `backend: redis`'],
  },
  {
    title: 'TLS to Redis',
    config: [
      'rateLimit:',
      '  backend: redis',
      '  redis: { url: "redis://a:1", tls: { servername: a b, cert: nowhere.pem, verify: false } }',
      'upstreams: [{ name: api, url: "http://api:8080" }]',
      'routes: [{ path: /*, upstream: api }]',
    ].join('\n'),
    lines: [
      'proxy.yml:3:32 rateLimit.redis.tls: names only one of cert and key; expected both, for mutual TLS',
      'proxy.yml:3:32 warning: rateLimit.redis.tls: does nothing: the url is not rediss://',
      'proxy.yml:3:51 rateLimit.redis.tls.servername: "a b" is no host name',
      `proxy.yml:3:62 rateLimit.redis.tls.cert: "nowhere.pem" can't be read: there is no such file`,
      'proxy.yml:3:83 warning: rateLimit.redis.tls.verify: lets anybody pose as this Redis',
    ],
  },
  {
    title: 'two listeners on one port',
    config: [
      'proxy: { port: 9901 }',
      'upstreams: [{ name: api, url: "http://api:8080" }]',
      'routes: [{ path: /*, upstream: api }]',
    ].join('\n'),
    lines: [
      'proxy.yml:1:16 proxy.port: 9901 is the port of both proxy and admin; expected two ports, or 0 to do without admin',
    ],
  },
  {
    title: 'an admin listener that is open to all',
    config: [
      'admin: { host: 0.0.0.0 }',
      'upstreams: [{ name: api, url: "http://api:8080" }]',
      'routes: [{ path: /*, upstream: api }]',
    ].join('\n'),
    lines: ['proxy.yml:1:16 warning: admin.host: "0.0.0.0" lets other machines ask admin; set a token too'],
  },
  {
    title: 'addresses to listen on',
    config: [
      'proxy: { host: "a:80" }',
      'admin: { token: "" }',
      'upstreams: [{ name: api, url: "http://api:8080" }]',
      'routes: [{ path: /*, upstream: api }]',
    ].join('\n'),
    lines: [
      'proxy.yml:1:16 proxy.host: "a:80" is no address to listen on; expected an address such as 0.0.0.0, :: or 127.0.0.1, without a port',
      'proxy.yml:2:17 admin.token: is empty; expected a token',
    ],
  },
  {
    title: 'TLS on the port',
    config: [
      'proxy: { tls: { certificates: [{ cert: no.pem, key: /tmp }], clientAuth: required } }',
      'upstreams: [{ name: api, url: "http://api:8080" }]',
      'routes: [{ path: /*, upstream: api }]',
    ].join('\n'),
    lines: [
      'proxy.yml:1:40 proxy.tls.certificates[0].cert: "no.pem" can\'t be read: there is no such file',
      'proxy.yml:1:53 proxy.tls.certificates[0].key: "/tmp" is a folder, not a file',
      'proxy.yml:1:74 proxy.tls.clientAuth: asks clients for certificates, but nothing tells which to trust; expected clientCa beside it',
    ],
  },
  {
    title: 'a collector',
    config: [
      'telemetry: { otlp: { url: "collector:4318", sampleRatio: 2 } }',
      'upstreams: [{ name: api, url: "http://api:8080" }]',
      'routes: [{ path: /*, upstream: api }]',
    ].join('\n'),
    lines: [
      'proxy.yml:1:27 telemetry.otlp.url: "collector:4318" is no url; expected a url such as http://collector:4318',
      'proxy.yml:1:58 telemetry.otlp.sampleRatio: 2 is too large; expected a percentage such as 20%, or a share from 0 to 1',
    ],
  },
  {
    title: 'what is said to a collector',
    config: [
      'telemetry:',
      '  otlp:',
      '    url: http://collector:4318/v1/traces?token=x',
      '    traces: false',
      '    metrics: false',
      '    logs: false',
      '    headers: { authorization: "a\\nb", Content-Type: text/plain }',
      '    tls: { verify: false }',
      'upstreams: [{ name: api, url: "http://api:8080" }]',
      'routes: [{ path: /*, upstream: api }]',
    ].join('\n'),
    lines: [
      'proxy.yml:2:3 warning: telemetry.otlp: sends nothing: traces, metrics and logs are all false',
      'proxy.yml:3:10 telemetry.otlp.url: has a query or a fragment, behind which no path can be appended; expected a url such as http://collector:4318, and tokens in `headers`',
      'proxy.yml:3:10 warning: telemetry.otlp.url: ends in the path of one signal: /v1/traces, /v1/metrics and /v1/logs are appended to it',
      'proxy.yml:7:5 warning: telemetry.otlp.headers: are sent in clear: the url is not https://',
      'proxy.yml:7:31 telemetry.otlp.headers.authorization: the value is not one line of plain text without space at its ends',
      'proxy.yml:7:39 telemetry.otlp.headers.Content-Type: "Content-Type" is set by the exporter',
      'proxy.yml:8:5 warning: telemetry.otlp.tls: does nothing: the url is not https://',
      'proxy.yml:8:20 warning: telemetry.otlp.tls.verify: lets anybody pose as this collector',
    ],
  },
]);
