/** Permits of which there are only a few on the whole node: the supervisor grants them. */

/** `retry`: one of the retries that are always allowed. `probe`: the one try that a half-open breaker lets through. */
export type PermitKind = 'retry' | 'probe';

/** `late`: the supervisor did not answer in time. */
export type PermitAnswer = 'granted' | 'refused' | 'late';

/** How what was permitted ended: a probe decides by it. */
export type PermitOutcome = 'success' | 'failure' | 'canceled';

/** `key` names the upstream: see upstreamKey in src/core. */
export interface PermitSource {
  /** `room`: of a retry, how many the asker's own share has room for, as a fraction; else 0. */
  ask(kind: PermitKind, key: string, room: number): Promise<PermitAnswer>;
  /** Once for each permit that was granted. */
  giveBack(kind: PermitKind, key: string, outcome: PermitOutcome): void;
}
