/**
 * k6: four times as many requests as a limit allows. What passes is what the contract says, no more and hardly less, and
 * each refusal tells when to come back. Run by `npm run load`, which starts gateway and upstream (load/scenarios.ts).
 */
import { check } from 'k6';
import http from 'k6/http';
import { Counter } from 'k6/metrics';

const seconds = Number(__ENV.SECONDS);
const max = Number(__ENV.MAX);
const windowSeconds = Number(__ENV.WINDOW_MS) / 1000;
const rate = (4 * max) / windowSeconds;

const admitted = new Counter('admitted');
const limited = new Counter('limited');

/** Of an interval: the full bucket, and what has flown in since. The load's own start and end take a moment more. */
const bound = (interval) => Math.floor(max * (1 + interval / windowSeconds));

export const options = {
  scenarios: {
    flood: {
      executor: 'constant-arrival-rate',
      rate,
      timeUnit: '1s',
      duration: `${seconds}s`,
      preAllocatedVUs: 50,
      maxVUs: 200,
      gracefulStop: '2s',
    },
  },
  thresholds: {
    checks: ['rate==1'],
    http_req_failed: ['rate==0'],
    // At most the bound over the scenario's longest life; at least nine tenths of it, since the load never pauses.
    admitted: [`count<=${bound(seconds + 2)}`, `count>=${Math.floor(0.9 * bound(seconds))}`],
    limited: ['count>0'],
  },
};

export default function flood() {
  const answer = http.get(`${__ENV.GATEWAY}/limited`, { responseCallback: http.expectedStatuses(200, 429) });
  const isLimited = answer.status === 429;
  (isLimited ? limited : admitted).add(1);
  check(answer, {
    'it says what is left': ({ headers }) => 'Ratelimit' in headers && 'Ratelimit-Policy' in headers,
    'a refusal says when to come back': ({ headers }) => !isLimited || Number(headers['Retry-After']) >= 1,
    'and its code': (got) => !isLimited || got.json('code') === 'rate_limited',
  });
}
