/** GET /workers: every worker process, from outside and from inside. */
import type { WorkerInsight } from '../../src/contracts/insight.ts';
import type { WorkerProcessStatus } from '../../src/contracts/status.ts';
import type { Death } from '../worker-pool.ts';
import { type Endpoint, json } from './endpoint.ts';

export interface WorkerReport extends Omit<WorkerProcessStatus, 'memoryBytes'> {
  /** Of the config that it has; 0: none yet. */
  readonly configVersion: number;
  /** Workers that died in this place since the start, and were replaced; and how the last one ended. */
  readonly restarts: number;
  readonly lastDeath: Death | null;
  /** Null: it has not answered within a second. Without its pools, which /upstreams adds up. */
  readonly inside: Omit<WorkerInsight, 'pools'> | null;
}

export interface WorkerGateway {
  readonly describeWorkers: () => Promise<readonly WorkerReport[]>;
}

export function workerEndpoints({ describeWorkers }: WorkerGateway): readonly Endpoint[] {
  return [
    {
      method: 'GET',
      path: '/workers',
      for: 'operators',
      answer: async () => json({ supervisor: process.pid, workers: await describeWorkers() }),
    },
  ];
}
