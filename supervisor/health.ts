/** Judges whether the gateway is ready for traffic, from what is known of its parts. */
import type { RedisConfig } from '../src/contracts/config.ts';
import type { Health } from '../src/contracts/ipc.ts';

export interface HealthFacts {
  /** A config is in force in every worker that the gateway should have. */
  readonly isConfigActive: boolean;
  readonly isDraining: boolean;
  /** Upstreams, and those of them with a target that may be tried. */
  readonly upstreams: { readonly all: number; readonly usable: number };
  /** Null: not used. */
  readonly redis: { readonly status: 'up' | 'away'; readonly onError: RedisConfig['onError'] } | null;
}

type Check = Health['checks'][string];

/** Contract, section 4. A gateway without upstreams (routes may answer by themselves) has nothing that could be unusable. */
export function judgeHealth({ isConfigActive, isDraining, upstreams, redis }: HealthFacts): Health {
  const checks: Record<string, Check> = {
    config: isConfigActive ? 'UP' : 'DOWN',
    upstreams: judgeUpstreams(upstreams),
  };
  if (redis !== null) checks['redis'] = judgeRedis(redis);
  // Only while it applies: else nothing in the answer would say why the gateway is not ready.
  if (isDraining) checks['drain'] = 'DOWN';
  return { ready: Object.values(checks).every((check) => check !== 'DOWN'), checks };
}

function judgeUpstreams({ all, usable }: HealthFacts['upstreams']): Check {
  if (usable === all) return 'UP';
  return usable === 0 ? 'DOWN' : 'DEGRADED';
}

/** Without Redis, limits go on locally or not at all; only where they refuse everybody is the gateway of no use. */
function judgeRedis({ status, onError }: NonNullable<HealthFacts['redis']>): Check {
  if (status === 'up') return 'UP';
  return onError === 'closed' ? 'DOWN' : 'DEGRADED';
}
