/** Brings a worker from its fork to the point where it could serve: code loaded, and the config in force taken up. */
import type { ToSupervisor } from '../src/contracts/ipc.ts';
import type { AwakeClock } from './awake-clock.ts';
import { type ConfigVersion, WorkerProcess } from './worker-process.ts';

export interface NurseryOptions {
  /** The number of workers. */
  readonly count: number;
  readonly program: URL;
  readonly clock: AwakeClock;
  readonly committed: () => ConfigVersion;
  readonly onMessage: (worker: WorkerProcess, message: ToSupervisor) => void;
  readonly onForked: (worker: WorkerProcess) => void;
}

export type Birth = { readonly worker: WorkerProcess } | { readonly worker: null; readonly failure: Failure };

export interface Failure {
  /** `refused`: it lives well, but not with this config. */
  readonly kind: 'refused' | 'broken';
  readonly why: string;
}

export class Nursery {
  readonly #options: NurseryOptions;
  #lastId = 0;

  constructor(options: NurseryOptions) {
    this.#options = options;
  }

  /** Id of the worker that was forked last: those forked from now on have higher ones. */
  get lastId(): number {
    return this.#lastId;
  }

  /** A failed one has ended when this resolves. */
  async raise(slot: number): Promise<Birth> {
    const worker = this.#fork(slot);
    if (worker instanceof Error) return { worker: null, failure: { kind: 'broken', why: worker.message } };
    const started = await worker.started();
    const failure = started === 'started' ? await this.bringUpToDate(worker, ignore) : broken('load its code', started);
    if (failure === null) return { worker };
    worker.kill('start');
    const { how } = await worker.ended;
    return {
      worker: null,
      failure: failure.kind === 'refused' ? failure : { ...failure, why: `${failure.why}, ${how}` },
    };
  }

  /**
   * Null when the worker has the config in force. `whenDone` is called then, before anything else can happen: a reload
   * can't commit in between.
   */
  async bringUpToDate(worker: WorkerProcess, whenDone: () => void): Promise<Failure | null> {
    for (;;) {
      const config = this.#options.committed();
      if (worker.version === config.version) {
        whenDone();
        return null;
      }
      const prepared = await worker.prepare(config);
      if (prepared.outcome === 'refused') return { kind: 'refused', why: prepared.error };
      if (prepared.outcome !== 'prepared') return broken('take up the config', prepared.outcome);
      worker.commit(config.version);
    }
  }

  /** An error: there is no memory for another process, say. */
  #fork(slot: number): WorkerProcess | Error {
    const { count, program, clock, onMessage, onForked } = this.#options;
    try {
      const worker = new WorkerProcess({ id: ++this.#lastId, slot, count, program, clock, onMessage });
      onForked(worker);
      return worker;
    } catch (error) {
      return error as Error;
    }
  }
}

export function broken(what: string, how: 'late' | 'ended'): Failure {
  return { kind: 'broken', why: how === 'late' ? `it did not ${what} in time` : `it ended before it could ${what}` };
}

function ignore(): void {}
