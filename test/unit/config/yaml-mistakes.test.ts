/** What is no YAML, or no config at all, is told in words that say what to do. */
import { describeMistakes } from './describe-mistakes.ts';

describeMistakes([
  {
    title: 'an empty file',
    config: '',
    lines: ['proxy.yml:1:1 is empty; write at least "routes" and "upstreams", as in config/proxy.yml'],
  },
  {
    title: 'a file of comments only',
    config: ['# nothing yet'].join('\n'),
    lines: ['proxy.yml:1:1 is empty; write at least "routes" and "upstreams", as in config/proxy.yml'],
  },
  {
    title: 'a list instead of a map',
    config: ['- a'].join('\n'),
    lines: ['proxy.yml:1:1 holds a list; expected a map of settings'],
  },
  {
    title: 'a text instead of a map',
    config: ['hello'].join('\n'),
    lines: ['proxy.yml:1:1 holds "hello"; expected a map of settings'],
  },
  {
    title: 'a key that is there twice',
    config: ['proxy: {}', 'proxy: {}'].join('\n'),
    lines: ['proxy.yml:2:1 is not valid YAML: this key is already there in the same map; remove one of the two'],
  },
  {
    title: 'a second document',
    config: ['proxy: {}', '---', 'proxy: {}'].join('\n'),
    lines: ['proxy.yml:2:1 is not valid YAML: a second document begins here ("---"); keep the config in one'],
  },
  {
    title: 'a tab that indents',
    config: ['proxy:', '\tport: 1'].join('\n'),
    lines: ["proxy.yml:2:1 is not valid YAML: a tab can't indent; use spaces"],
  },
  {
    title: 'a reference without quotes inside braces',
    config: ['proxy: { port: ${PORT:-3000} }'].join('\n'),
    lines: ['proxy.yml:1:17 is not valid YAML: inside { } and [ ], put quotes around "${NAME}"'],
  },
  {
    title: 'a tag',
    config: ['proxy: !foo {}'].join('\n'),
    lines: [
      'proxy.yml:1:8 is not valid YAML: a text that begins with "!" needs quotes; YAML takes it for a tag, and tags have no meaning here',
    ],
  },
  {
    title: 'a star without quotes',
    config: [
      'upstreams: [{ name: api, url: "http://api:8080" }]',
      'routes:',
      '  - path: /a',
      '    cors: { origins: [*] }',
      '    upstream: api',
    ].join('\n'),
    lines: ['proxy.yml:4:23 is not valid YAML: a "*" at the beginning of a text needs quotes: "*"'],
  },
  {
    title: 'a host with a star without quotes',
    config: [
      'upstreams: [{ name: api, url: "http://api:8080" }]',
      'routes:',
      '  - path: /a',
      '    host: *.example.com',
      '    upstream: api',
    ].join('\n'),
    lines: [
      'proxy.yml:4:11 routes[0].host: "*.example.com" needs quotes; without them YAML takes it for an alias, of which there is none',
    ],
  },
  {
    title: 'a merge key',
    config: [
      'upstreams: [{ name: api, url: "http://api:8080" }]',
      'routes:',
      '  - &first { path: /a, upstream: api }',
      '  - { <<: *first, path: /b, upstream: api }',
    ].join('\n'),
    lines: ['proxy.yml:4:7 routes[1]["<<"]: merging with "<<" is not supported; repeat the keys'],
  },
  {
    title: 'a key that is a list',
    config: [
      '? [a]',
      ': 1',
      'upstreams: [{ name: api, url: "http://api:8080" }]',
      'routes: [{ path: /*, upstream: api }]',
    ].join('\n'),
    lines: ['proxy.yml:1:1 has a key that is no plain text; expected a name, a colon, and a value'],
  },
]);
