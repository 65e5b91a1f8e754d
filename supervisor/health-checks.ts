/**
 * Health checks of all upstreams, once for the node: targets see one question at a time however many workers there are.
 * They run in a thread, so that handshakes don't hold up the supervisor; one that dies is replaced.
 */
import { Worker } from 'node:worker_threads';
import type { UpstreamConfig } from '../src/contracts/config.ts';
import type { Log } from '../src/contracts/log.ts';
import type { CheckAnswer, CheckWork } from './check-thread.ts';

const restartDelayMs = 1_000;

export class HealthChecks {
  readonly #log: Log;
  readonly #onAnswer: (answer: CheckAnswer) => void;
  #work: CheckWork | null = null;
  #thread: Worker | null = null;

  constructor(log: Log, onAnswer: (answer: CheckAnswer) => void) {
    this.#log = log;
    this.#onAnswer = onAnswer;
  }

  /** From now on the targets of these upstreams. Where no health check is asked for there is no thread. */
  follow(upstreams: readonly UpstreamConfig[], door: Omit<CheckWork, 'targets'>): void {
    const targets = upstreams.flatMap(listChecks);
    this.#work = targets.length === 0 ? null : { targets, ...door };
    if (this.#work === null) {
      void this.#thread?.terminate();
      this.#thread = null;
      return;
    }
    if (this.#thread === null) this.#start(this.#work);
    else this.#thread.postMessage(this.#work);
  }

  #start(work: CheckWork): void {
    const thread = new Worker(new URL('./check-thread.ts', import.meta.url));
    let reason = 'it ended';
    thread.on('message', (answer: CheckAnswer) => this.#onAnswer(answer));
    thread.on('error', (error: Error) => {
      reason = error.message;
    });
    thread.on('exit', () => {
      // Else it was told to end.
      if (this.#thread === thread) this.#replace(reason);
    });
    thread.unref();
    thread.postMessage(work);
    this.#thread = thread;
  }

  #replace(reason: string): void {
    this.#thread = null;
    this.#log.error({ reason }, 'the thread of the health checks died: another takes its place');
    setTimeout(() => {
      if (this.#work !== null && this.#thread === null) this.#start(this.#work);
    }, restartDelayMs).unref();
  }
}

function listChecks({ name, targets, tls, healthCheck: check }: UpstreamConfig): CheckWork['targets'] {
  if (check === null) return [];
  return targets.map(({ url }) => ({
    identity: JSON.stringify([name, url, tls, check]),
    upstream: name,
    url,
    tls,
    check,
  }));
}
