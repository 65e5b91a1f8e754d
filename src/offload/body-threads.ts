/** Threads in which a worker has large bodies checked, so that a body of megabytes holds up nobody else. */
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import type { BodyCheckJob, BodyCheckOutcome, BodyChecks, BodyFinding } from '../contracts/body-check.ts';
import type { Log } from '../contracts/log.ts';

/** Each worker has its own: two, so that one body that takes its time does not hold up all others. */
const mostThreads = 2;
/** More are turned away: at a tenth of a second each the last one would wait for almost two seconds. */
const mostWaiting = 32;
/** A thread that has nothing to do for so long goes, ms. Starting one takes some 50 ms. */
const idleMs = 60_000;
/** A body of 10 MB can become some 300 MB of objects. Who needs more ends with its thread, not with the worker. */
const mostHeapMb = 768;
/** For routes without a limit of time, ms. */
const mostMs = 30_000;
/** One warning in so long, ms, with the number of those that it stands for. */
const warnEveryMs = 10_000;

export interface BodyThreadsOptions {
  readonly log: Log;
  readonly count: (outcome: BodyCheckOutcome) => void;
}

export class BodyThreads implements BodyChecks {
  readonly #options: BodyThreadsOptions;
  #pool: Piscina | null = null;
  /** Under way or waiting. */
  #bodies = 0;
  #failures = 0;
  #warnedAt = Number.NEGATIVE_INFINITY;

  constructor(options: BodyThreadsOptions) {
    this.#options = options;
  }

  async check(job: BodyCheckJob): Promise<BodyFinding> {
    if (this.#bodies === mostThreads + mostWaiting) {
      this.#options.count('shed');
      return 'shed';
    }
    const timeoutMs = job.timeoutMs === 0 ? mostMs : job.timeoutMs;
    const leftMs = timeoutMs - (performance.now() - job.startedAt);
    // Ends the wait of a body that has not begun, and the thread of one that has: another takes its place.
    const outOfTime = AbortSignal.timeout(Math.max(Math.ceil(leftMs), 1));
    this.#bodies++;
    try {
      const finding = await this.#run(job, outOfTime);
      this.#options.count('checked');
      return finding;
    } catch (error) {
      this.#options.count(outOfTime.aborted ? 'late' : 'died');
      this.#warn(outOfTime.aborted ? 'it took too long' : (error as Error).message);
      return 'failed';
    } finally {
      this.#bodies--;
    }
  }

  /** A thread that does not know the schema yet says so: from then on its name is enough. */
  async #run(job: BodyCheckJob, signal: AbortSignal): Promise<BodyFinding> {
    this.#pool ??= this.#createPool();
    const pool = this.#pool;
    const { schemaId, body, coding, maxBytes } = job;
    const task = { schemaId, schema: null, body, coding, maxBytes };
    const first = (await pool.run(task, { signal })) as BodyFinding | 'schema wanted';
    if (first !== 'schema wanted') return first;
    return (await pool.run({ ...task, schema: job.schema }, { signal })) as BodyFinding;
  }

  #createPool(): Piscina {
    const pool = new Piscina({
      filename: fileURLToPath(new URL('./body-task.ts', import.meta.url)),
      name: 'performTask',
      minThreads: 0,
      maxThreads: mostThreads,
      idleTimeout: idleMs,
      resourceLimits: { maxOldGenerationSizeMb: mostHeapMb },
      // Waiting on Atomics saves microseconds and stops everything asynchronous in the thread.
      atomics: 'disabled',
    });
    // A thread that can't even begin: who waits for it is told, and the next body starts anew.
    pool.on('error', () => {
      if (this.#pool === pool) this.#pool = null;
      pool.destroy().catch(() => {});
    });
    return pool;
  }

  #warn(reason: string): void {
    this.#failures++;
    const now = performance.now();
    if (now - this.#warnedAt < warnEveryMs) return;
    this.#warnedAt = now;
    const fields = { reason, bodies: this.#failures };
    this.#failures = 0;
    this.#options.log.warn(fields, 'a request body could not be checked, and was refused');
  }
}
