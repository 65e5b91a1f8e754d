/** What a worker tells of its inside when an operator asks. */

export interface WorkerInsight {
  readonly inFlight: number;
  /** Mean over the last second. */
  readonly loopDelayMs: number;
  readonly memory: { readonly rssBytes: number; readonly heapBytes: number; readonly buffersBytes: number };
  /** What its event loop waits for, by kind, as `process.getActiveResourcesInfo` names it: what leaks shows up here. */
  readonly resources: Readonly<Record<string, number>>;
  readonly pools: readonly PoolInsight[];
}

/** The connections of one worker to one target. */
export interface PoolInsight {
  readonly upstream: string;
  /** What the upstream's config calls the target; of one inside the gateway its name. */
  readonly target: string;
  /** Tries under way, those that wait for a connection included. */
  readonly inFlight: number;
  readonly connections: ConnectionCounts;
}

export interface ConnectionCounts {
  /** With a try under way; it may still be connecting. */
  readonly busy: number;
  /** Open, with nothing to do. */
  readonly idle: number;
  /** Tries that wait for one. */
  readonly waiting: number;
  /** WebSockets, which have left the pool and take no place in it. */
  readonly webSockets: number;
}
