/** What /health/* answers, on both listeners. */
import type { Health } from '../contracts/ipc.ts';
import type { UpstreamAnswer } from './deep.ts';

export interface HealthBody {
  readonly status: 200 | 503;
  readonly body: object;
}

/** Whoever can answer lives. */
export function liveBody(now: Date): HealthBody {
  return { status: 200, body: { status: 'UP', timestamp: now.toISOString() } };
}

export function readyBody({ ready, checks }: Health): HealthBody {
  return { status: ready ? 200 : 503, body: { status: ready ? 'UP' : 'DOWN', checks } };
}

/**
 * Ready and what each upstream answered. DOWN when the gateway is not ready or no upstream at all can be reached. Where
 * anybody may ask, `detail` is left out: what targets there are is not for everybody.
 */
export function deepBody(health: Health, answers: readonly UpstreamAnswer[], detail: 'names' | 'targets'): HealthBody {
  const reachable = answers.filter(({ status }) => status === 'UP').length;
  const isUp = health.ready && (reachable > 0 || answers.length === 0);
  const upstreams = Object.fromEntries(
    answers.map(({ name, status, targets }) => [name, detail === 'names' ? status : { status, targets }]),
  );
  return {
    status: isUp ? 200 : 503,
    body: { status: isUp ? 'UP' : 'DOWN', checks: health.checks, upstreams },
  };
}
