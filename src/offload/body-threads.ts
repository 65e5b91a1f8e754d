/** Threads in which a worker has large bodies checked, so that a body of megabytes holds up nobody else. */
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import type { Piscina } from 'piscina';
import type { BodyCheckJob, BodyCheckOutcome, BodyChecks, BodyFinding } from '../contracts/body-check.ts';
import type { Log } from '../contracts/log.ts';

export interface BodyThreadsLimits {
  readonly threads: number;
  /** Bodies that may wait for a thread; more are turned away. */
  readonly waiting: number;
  /** Of one thread, megabytes. Who needs more ends with its thread, not with the worker. */
  readonly heapMb: number;
}

/**
 * Each worker has its own threads: two, so that one body that takes its time does not hold up all others. At a tenth of a
 * second each the last one that waits has its turn after two seconds. 10 MB of JSON can become 300 MB of objects.
 */
const usualLimits: BodyThreadsLimits = { threads: 2, waiting: 32, heapMb: 768 };
/** A thread that has nothing to do for so long goes, ms. Starting one takes some 50 ms. */
const idleMs = 60_000;
/** For routes without a limit of time, ms. */
const mostMs = 30_000;
/** One warning in so long, ms, with the number of those that it stands for. */
const warnEveryMs = 10_000;

export interface BodyThreadsOptions {
  readonly log: Log;
  readonly count: (outcome: BodyCheckOutcome) => void;
  readonly limits?: BodyThreadsLimits;
}

type Turn = 'come' | 'unwanted';

interface Waiting {
  readonly job: BodyCheckJob;
  readonly settle: (turn: Turn) => void;
}

export class BodyThreads implements BodyChecks {
  readonly #options: BodyThreadsOptions;
  readonly #limits: BodyThreadsLimits;
  #pool: Promise<Piscina> | null = null;
  /** Bodies that are in a thread. */
  #running = 0;
  /** Bodies that wait for their turn, in order. */
  readonly #waiting: Waiting[] = [];
  #failures = 0;
  #warnedAt = Number.NEGATIVE_INFINITY;

  constructor(options: BodyThreadsOptions) {
    this.#options = options;
    this.#limits = options.limits ?? usualLimits;
  }

  async check(job: BodyCheckJob): Promise<BodyFinding> {
    if (this.#waiting.length === this.#limits.waiting) this.#forgetUnwanted();
    if (this.#waiting.length === this.#limits.waiting) {
      this.#options.count('shed');
      return 'shed';
    }
    const timeoutMs = job.timeoutMs === 0 ? mostMs : job.timeoutMs;
    const leftMs = timeoutMs - (performance.now() - job.startedAt);
    // Ends the wait of a body that has not begun, and the thread of one that has: another takes its place.
    const outOfTime = AbortSignal.timeout(Math.max(Math.ceil(leftMs), 1));
    try {
      if ((await this.#turn(job, outOfTime)) === 'unwanted') {
        this.#options.count('left');
        return 'failed';
      }
      const finding = await this.#run(job, outOfTime).finally(() => this.#next());
      this.#options.count('checked');
      return finding;
    } catch (error) {
      this.#options.count(outOfTime.aborted ? 'late' : 'died');
      this.#warn(outOfTime.aborted ? 'it took too long' : (error as Error).message);
      return 'failed';
    }
  }

  /**
   * Piscina forgets those that wait behind a body whose thread is ended (5.3.2, without a lower bound of threads): it gets
   * no more than it has threads for. Rejects when the time is up.
   */
  async #turn(job: BodyCheckJob, signal: AbortSignal): Promise<Turn> {
    if (this.#running < this.#limits.threads) {
      this.#running++;
      return 'come';
    }
    return await new Promise<Turn>((resolve, reject) => {
      const waiting = { job, settle: resolve };
      this.#waiting.push(waiting);
      signal.addEventListener('abort', () => {
        const at = this.#waiting.indexOf(waiting);
        if (at === -1) return;
        this.#waiting.splice(at, 1);
        reject(new Error('it waited too long'));
      });
    });
  }

  /** Whoever sends bodies and leaves must not take the places of those who stay. */
  #forgetUnwanted(): void {
    for (const waiting of this.#waiting.splice(0)) {
      if (waiting.job.isWanted()) this.#waiting.push(waiting);
      else waiting.settle('unwanted');
    }
  }

  #next(): void {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      if (next.job.isWanted()) {
        next.settle('come');
        return;
      }
      next.settle('unwanted');
    }
    this.#running--;
  }

  /** A thread that does not know the schema yet says so: from then on its name is enough. */
  async #run(job: BodyCheckJob, signal: AbortSignal): Promise<BodyFinding> {
    const pool = await this.#openPool();
    const { schemaId, body, coding, maxBytes } = job;
    const task = { schemaId, schema: null, body, coding, maxBytes };
    const first = (await pool.run(task, { signal })) as BodyFinding | 'schema wanted';
    if (first !== 'schema wanted') return first;
    return (await pool.run({ ...task, schema: job.schema }, { signal })) as BodyFinding;
  }

  async #openPool(): Promise<Piscina> {
    this.#pool ??= this.#createPool();
    try {
      return await this.#pool;
    } catch (error) {
      // Its files are being replaced: the next body tries anew.
      this.#pool = null;
      throw error;
    }
  }

  /** Piscina is loaded with the first large body: most workers never see one. */
  async #createPool(): Promise<Piscina> {
    const { Piscina } = await import('piscina');
    const pool = new Piscina({
      filename: fileURLToPath(new URL('./body-task.ts', import.meta.url)),
      name: 'performTask',
      minThreads: 0,
      maxThreads: this.#limits.threads,
      idleTimeout: idleMs,
      resourceLimits: { maxOldGenerationSizeMb: this.#limits.heapMb },
      // Waiting on Atomics saves microseconds and stops everything asynchronous in the thread.
      atomics: 'disabled',
    });
    // A thread that can't even begin: who waits for it is told, and the next body starts anew.
    pool.on('error', () => {
      this.#pool = null;
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
