/** The way out: not ready but still accepting, then draining, then gone. Each step has a limit, and a second signal ends it at once. */
import { setTimeout } from 'node:timers/promises';
import type { Log } from '../src/contracts/log.ts';

export interface Leavable {
  closeConnections(): void;
  drainAll(timeoutMs: number): Promise<number>;
  hurry(timeoutMs: number): void;
  killAll(): void;
}

export interface ShutdownOptions {
  readonly pool: Leavable;
  /** After the delay: nobody may come in any more. */
  readonly stopAccepting: () => void;
  /** SIGINT comes from somebody who waits at a terminal: no load balancer has to be given time. */
  readonly delayMs: number;
  readonly timeoutMs: number;
  /** Aborted by the second signal. */
  readonly atOnce: AbortSignal;
  readonly log: Log;
}

/** What those get to say who are ended at once: how many requests they cut, and their last numbers. */
const lastWordsMs = 1000;

/** Resolves with the exit code: 0 when every request was finished, 2 when some were cut. */
export async function shutDown(options: ShutdownOptions): Promise<0 | 2> {
  const { pool, stopAccepting, delayMs, timeoutMs, atOnce, log } = options;
  pool.closeConnections();
  log.info({ delayMs, timeoutMs }, 'shutting down: not ready any more, still accepting connections');
  await pause(delayMs, atOnce);

  stopAccepting();
  const draining = pool.drainAll(atOnce.aborted ? 0 : timeoutMs);
  const hurry = (): void => {
    log.warn({}, 'second signal: ending at once');
    pool.hurry(0);
    setTimeout(lastWordsMs, undefined, { ref: false }).then(
      () => pool.killAll(),
      () => {},
    );
  };
  if (atOnce.aborted) hurry();
  else atOnce.addEventListener('abort', hurry, { once: true });

  const cut = await draining;
  atOnce.removeEventListener('abort', hurry);
  if (cut > 0) log.warn({ cut }, 'drained, but requests had to be cut');
  else log.info({}, 'drained');
  return cut > 0 ? 2 : 0;
}

function pause(ms: number, atOnce: AbortSignal): Promise<void> {
  if (ms === 0) return Promise.resolve();
  return setTimeout(ms, undefined, { signal: atOnce }).catch(() => {});
}
