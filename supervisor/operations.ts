/** What operators can see and change of a gateway that runs, gathered from the parts that own it. */
import type { ConfigSummary } from '../src/config/load.ts';
import type { WorkerInsight } from '../src/contracts/insight.ts';
import { longestTimerMs } from '../src/core/longest-timer.ts';
import type { LimitGateway } from './admin/limit-endpoints.ts';
import type { LogLevelGateway } from './admin/log-level-endpoints.ts';
import type { UpstreamGateway } from './admin/upstream-endpoints.ts';
import type { WorkerGateway, WorkerReport } from './admin/worker-endpoints.ts';
import type { LimitDesk } from './limit-desk.ts';
import type { LogLevelKeeper } from './log-level.ts';
import type { TargetWatch } from './target-watch.ts';
import type { UpstreamDesk } from './upstream-desk.ts';
import { reportUpstreams } from './upstream-report.ts';
import type { WorkerPool } from './worker-pool.ts';

export interface OperationsOptions {
  readonly pool: WorkerPool;
  readonly targets: TargetWatch;
  readonly desk: UpstreamDesk;
  readonly limits: LimitDesk;
  readonly logLevel: LogLevelKeeper;
  /** Of the config in force. */
  readonly summary: () => ConfigSummary;
}

export type Operations = UpstreamGateway & WorkerGateway & LimitGateway & LogLevelGateway;

export function createOperations({ pool, targets, desk, limits, logLevel, summary }: OperationsOptions): Operations {
  return {
    async describeUpstreams() {
      const answers = await Promise.all(pool.serving().map((worker) => worker.inspect()));
      return reportUpstreams({
        upstreams: summary().upstreams,
        standingsOf: (upstream) => targets.standingsOf(upstream),
        breakerOf: (upstream) => desk.breakerOf(upstream),
        insights: answers.filter((insight) => insight !== null),
      });
    },
    setDrained: (upstream, target, isDrained, force) => targets.setDrained(upstream, target, isDrained, force),
    // Without a time only a `close` ends it.
    orderBreaker: (upstream, state, forMs) => desk.orderBreaker(upstream, state, forMs ?? longestTimerMs),
    describeWorkers: () => reportWorkers(pool),
    lookAtLimits: (owner) => limits.look(owner),
    refillLimits: (owner) => limits.refill(owner),
    logLevel: () => logLevel.report,
    setLogLevel: (level, forMs) => logLevel.set(level, forMs),
  };
}

async function reportWorkers(pool: WorkerPool): Promise<WorkerReport[]> {
  const deaths = pool.deaths();
  const now = performance.now();
  return await Promise.all(
    pool.census().map(async ({ worker, state }) => {
      const { slot, pid, version, bornAt } = worker;
      // One that starts reads no questions yet.
      const insight = state === 'starting' ? null : await worker.inspect();
      return {
        worker: slot,
        pid,
        state,
        configVersion: version,
        uptimeSeconds: Math.floor((now - bornAt) / 1000),
        restarts: deaths.get(slot)?.count ?? 0,
        lastDeath: deaths.get(slot)?.last ?? null,
        inside: insight === null ? null : withoutPools(insight),
      };
    }),
  );
}

function withoutPools({ inFlight, loopDelayMs, memory, resources }: WorkerInsight): Omit<WorkerInsight, 'pools'> {
  return { inFlight, loopDelayMs, memory, resources };
}
