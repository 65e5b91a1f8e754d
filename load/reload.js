/**
 * k6: steady load while the config is reloaded again and again: nothing fails, and each answer is of one config or the
 * other. Run by `npm run load`, which starts gateway and upstream and does the reloading (load/scenarios.ts).
 */
import { check } from 'k6';
import http from 'k6/http';
import { Counter } from 'k6/metrics';

const even = new Counter('even_versions');
const odd = new Counter('odd_versions');

export const options = {
  scenarios: {
    kept: { executor: 'constant-vus', vus: 8, duration: `${__ENV.SECONDS}s` },
    // A connection for each request.
    fresh: { executor: 'constant-vus', vus: 4, duration: `${__ENV.SECONDS}s`, env: { FRESH: 'yes' } },
  },
  thresholds: {
    checks: ['rate==1'],
    http_req_failed: ['rate==0'],
    even_versions: ['count>0'],
    odd_versions: ['count>0'],
  },
};

export default function reload() {
  const headers = __ENV.FRESH === 'yes' ? { Connection: 'close' } : {};
  const answer = http.get(`${__ENV.GATEWAY}/versioned`, { headers });
  const version = answer.headers['X-Version'];
  if (version === 'even') even.add(1);
  else odd.add(1);
  check(answer, {
    'status is 200': ({ status }) => status === 200,
    'it is of one config or the other': () => version === 'even' || version === 'odd',
    'the upstream was asked': (got) => got.json('url') === '/versioned',
  });
}
