/**
 * A reload is all or nothing: every worker prepares the candidate beside its present config, one after another, and only when
 * all hold it are all told to take it up. One refusal, and every worker stays as it is.
 */
import { setTimeout } from 'node:timers/promises';
import type { ConfigVersion, Prepared } from './worker-process.ts';

/** A worker, as far as a reload is concerned. */
export interface Member {
  /** Of the config that it holds ready. */
  readonly preparedVersion: number;
  readonly ended: Promise<unknown>;
  prepare(candidate: ConfigVersion): Promise<Prepared>;
  commit(version: number): void;
  discard(version: number): void;
  kill(reason: 'reload'): void;
}

export interface Party {
  serving(): readonly Member[];
  /** Resolves when `serving` would answer otherwise. */
  changed(): Promise<void>;
}

export type ReloadOutcome =
  | { readonly result: 'accepted' }
  | { readonly result: 'rejected'; readonly error: string }
  /** The gateway is shutting down: nothing has changed. */
  | { readonly result: 'stopped' };

/** Workers that may die of a candidate that none has taken up, and altogether, before it is blamed. */
const maxDeathsUntaken = 3;
const maxDeaths = 10;
/** How long a worker to try the candidate on is waited for when none serves. */
const birthWaitMs = 15_000;

/**
 * A worker that dies, or answers too late and is killed, does not decide: its successor is born with the outcome. `commit`
 * is called when all hold the candidate: from then on workers are born with it.
 */
export async function reload(
  candidate: ConfigVersion,
  party: Party,
  commit: () => void,
  stop: AbortSignal,
): Promise<ReloadOutcome> {
  const { version } = candidate;
  let taken = 0;
  let deaths = 0;
  for (;;) {
    if (stop.aborted) return discard(party, version, { result: 'stopped' });
    const serving = party.serving();
    const worker = serving.find((each) => each.preparedVersion !== version);
    if (worker === undefined && serving.length > 0) break;
    if (worker === undefined) {
      if (await bornInTime(party, stop)) continue;
      // No worker lives with the present config: the candidate can only be better, unless they died of it.
      if (deaths === 0) break;
      return discard(party, version, { result: 'rejected', error: 'no worker was left to take it up' });
    }
    const prepared = await worker.prepare(candidate);
    if (prepared.outcome === 'refused') {
      worker.discard(version);
      return discard(party, version, { result: 'rejected', error: prepared.error });
    }
    if (prepared.outcome === 'prepared') {
      taken++;
      continue;
    }
    worker.kill('reload');
    await worker.ended;
    deaths++;
    if (deaths >= (taken === 0 ? maxDeathsUntaken : maxDeaths)) {
      const error = `${deaths} workers died while taking it up, or took too long`;
      return discard(party, version, { result: 'rejected', error });
    }
  }
  // No await from here on: a worker that has begun to serve before this holds the candidate, one after it is born with it.
  commit();
  for (const worker of party.serving()) worker.commit(version);
  return { result: 'accepted' };
}

async function bornInTime(party: Party, stop: AbortSignal): Promise<boolean> {
  const enough = new AbortController();
  const late = wait(birthWaitMs, AbortSignal.any([stop, enough.signal]));
  const born = await Promise.race([party.changed().then(() => true), late.then(() => stop.aborted)]);
  enough.abort();
  return born;
}

function discard(party: Party, version: number, outcome: ReloadOutcome): ReloadOutcome {
  for (const worker of party.serving()) if (worker.preparedVersion === version) worker.discard(version);
  return outcome;
}

/** Resolves after that time, or when told to stop. */
function wait(ms: number, stop: AbortSignal): Promise<void> {
  return setTimeout(ms, undefined, { signal: stop }).catch(() => {});
}
