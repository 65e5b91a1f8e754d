/**
 * k6: does everything that a gateway is asked for every day come back right, under some load? Reads, writes with a body,
 * a wrong key, a path that nobody serves. Run by `npm run load`, which starts gateway and upstream (load/scenarios.ts).
 */
import { check, group } from 'k6';
import http from 'k6/http';

export const options = {
  scenarios: {
    smoke: { executor: 'constant-vus', vus: 10, duration: `${__ENV.SECONDS}s` },
  },
  thresholds: {
    checks: ['rate==1'],
    dropped_iterations: ['count==0'],
    // What the gateway refuses on purpose is expected below; anything else that fails is a failure.
    http_req_failed: ['rate==0'],
    iterations: ['count>10'],
  },
};

const url = __ENV.GATEWAY;
const key = { 'X-API-Key': __ENV.KEY };
const refused = { responseCallback: http.expectedStatuses(401, 404) };

export default function smoke() {
  group('a read', () => {
    const id = `smoke-${__VU}-${__ITER}`;
    const answer = http.get(`${url}/api/items?page=2`, { headers: { ...key, 'X-Request-Id': id } });
    check(answer, {
      'status is 200': ({ status }) => status === 200,
      'the request id comes back': ({ headers }) => headers['X-Request-Id'] === id,
      'path and query arrive as they were sent': (got) => got.json('url') === '/api/items?page=2',
      'the key does not arrive': (got) => got.json('key') === null,
      'the upstream knows who asks': (got) => got.json('consumer') === 'load',
    });
  });
  group('a write', () => {
    const body = JSON.stringify({ text: 'x'.repeat(2000), at: __ITER });
    const answer = http.post(`${url}/api/items`, body, { headers: { ...key, 'Content-Type': 'application/json' } });
    check(answer, {
      'status is 200': ({ status }) => status === 200,
      'the body arrives whole': (got) => got.json('bytes') === body.length,
    });
  });
  group('what is refused', () => {
    const stranger = http.get(`${url}/api/items`, { headers: { 'X-API-Key': 'wrong' }, ...refused });
    check(stranger, {
      'a wrong key is 401': ({ status }) => status === 401,
      'with its code': (got) => got.json('code') === 'unauthorized',
    });
    const nowhere = http.get(`${url}/nowhere`, refused);
    check(nowhere, { 'no route is 404': (got) => got.status === 404 && got.json('code') === 'no_route' });
  });
}
