/** Why a target gets no requests. Settled once for the node, by the supervisor; the workers are told. */

/** `unhealthy`: its health checks fail. `drained`: an operator wants it so. `ejected`: requests failed there, one after another. */
export type TargetFault = 'unhealthy' | 'drained' | 'ejected';

export interface FaultyTarget {
  /** Name of the upstream. */
  readonly upstream: string;
  readonly url: string;
  readonly fault: TargetFault;
}
