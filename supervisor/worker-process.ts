/** One worker as the supervisor sees it: what may be asked of it, each question with a limit, and how it ended. */
import { type ChildProcess, fork } from 'node:child_process';
import type { WorkerInsight } from '../src/contracts/insight.ts';
import type { ConfigParcel, ToSupervisor, ToWorker } from '../src/contracts/ipc.ts';
import { type Channel, openChannel } from '../src/ipc/channel.ts';
import type { AwakeClock } from './awake-clock.ts';
import { heapFlags } from './worker-heap.ts';

/** Limits in awake time. A worker that needs longer is taken for broken, killed and replaced. */
export const limits = {
  /** Loading the worker's code, on a machine that may be busy. */
  startMs: 30_000,
  prepareMs: 10_000,
  listenMs: 10_000,
  /** On top of the time a drain may take. */
  drainMarginMs: 5000,
  /** Somebody looks: what is late is left out. */
  inspectMs: 1000,
  /** From having drained to having ended. */
  leaveMs: 2000,
};

/** Why a worker went. `exit` and `signal`: by itself; the others: the supervisor ended it because … */
export type EndReason = 'exit' | 'signal' | 'hang' | 'start' | 'reload' | 'drain';
/** Why another one was started in its place. `memory`: it held too much. */
export type RestartReason = EndReason | 'memory';

export interface WorkerEnd {
  readonly reason: EndReason;
  /** `code 1` or `SIGKILL` */
  readonly how: string;
  readonly ageMs: number;
}

export type Prepared =
  | { readonly outcome: 'prepared' }
  | { readonly outcome: 'refused'; readonly error: string }
  | { readonly outcome: 'late' | 'ended' };

export interface ConfigVersion {
  readonly version: number;
  readonly parcel: ConfigParcel;
}

export interface WorkerOptions {
  /** Never given twice. */
  readonly id: number;
  /** 1 to the number of workers: its name in logs and metrics, which its successor inherits. */
  readonly slot: number;
  /** The number of workers. */
  readonly count: number;
  readonly program: URL;
  readonly clock: AwakeClock;
  /** Everything that is no answer to a question. */
  readonly onMessage: (worker: WorkerProcess, message: ToSupervisor) => void;
}

export class WorkerProcess {
  readonly id: number;
  readonly slot: number;
  readonly pid: number;
  /** Monotonic ms. */
  readonly bornAt = performance.now();
  /** It has ended, and nothing more comes from it. */
  readonly ended: Promise<WorkerEnd>;
  /** The config in force in it, and the one it holds ready: written when it is told or answers. */
  version = 0;
  preparedVersion = 0;
  readonly #child: ChildProcess;
  readonly #channel: Channel<ToWorker, ToSupervisor>;
  readonly #clock: AwakeClock;
  #inspections = 0;
  readonly #waiting = new Set<(message: ToSupervisor) => boolean>();
  #killedFor: EndReason | null = null;
  #hasEnded = false;

  constructor(options: WorkerOptions) {
    this.id = options.id;
    this.slot = options.slot;
    this.#clock = options.clock;
    const child = fork(options.program, [String(options.slot), String(options.count)], {
      serialization: 'advanced',
      execArgv: [...process.execArgv, ...heapFlags(options.count)],
    });
    this.#child = child;
    this.pid = child.pid ?? 0;
    this.#channel = openChannel(child);
    this.#channel.onMessage((message) => {
      for (const take of this.#waiting) if (take(message)) return;
      options.onMessage(this, message);
    });
    this.ended = waitForEnd(child).then((how) => {
      this.#hasEnded = true;
      const reason = this.#killedFor ?? (child.signalCode === null ? 'exit' : 'signal');
      return { reason, how, ageMs: performance.now() - this.bornAt };
    });
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  send(message: ToWorker): boolean {
    return this.#channel.send(message);
  }

  write(message: ToWorker): Promise<void> {
    return this.#channel.write(message);
  }

  started(): Promise<'started' | 'late' | 'ended'> {
    return this.#await((message) => (message.type === 'started' ? 'started' : null), limits.startMs);
  }

  /** The worker compiles the config beside the one in force. */
  async prepare({ version, parcel }: ConfigVersion): Promise<Prepared> {
    const answer = this.#await<Prepared>((message) => {
      if (message.type === 'config:prepared' && message.version === version) return { outcome: 'prepared' };
      if (message.type !== 'config:refused' || message.version !== version) return null;
      return { outcome: 'refused', error: message.error };
    }, limits.prepareMs);
    void this.#sendConfig(version, parcel);
    const prepared = await answer;
    if (typeof prepared === 'string') return { outcome: prepared };
    if (prepared.outcome === 'prepared') this.preparedVersion = version;
    return prepared;
  }

  commit(version: number): void {
    this.version = version;
    this.send({ type: 'config:commit', version });
  }

  discard(version: number): void {
    this.preparedVersion = 0;
    this.send({ type: 'config:discard', version });
  }

  async listen(handle: unknown): Promise<'listening' | 'late' | 'ended' | { readonly error: string }> {
    const answer = this.#await((message) => {
      if (message.type === 'listening') return 'listening';
      return message.type === 'listen:failed' ? { error: message.error } : null;
    }, limits.listenMs);
    this.#channel.send({ type: 'listen' }, handle);
    return await answer;
  }

  /** Null: it does not answer. */
  async inspect(): Promise<WorkerInsight | null> {
    const id = ++this.#inspections;
    const answer = this.#await(
      (message) => (message.type === 'insight' && message.id === id ? message.insight : null),
      limits.inspectMs,
    );
    this.send({ type: 'inspect', id });
    const insight = await answer;
    return typeof insight === 'string' ? null : insight;
  }

  /**
   * It finishes its requests and leaves; resolves, when it has gone, with the number of requests that were cut. One
   * that does not answer, or dies on the way, counts as one cut: what it held is not known.
   */
  async drain(timeoutMs: number): Promise<{ readonly cut: number }> {
    const answer = this.#await(
      (message) => (message.type === 'drained' ? { cut: message.cut } : null),
      timeoutMs + limits.drainMarginMs,
    );
    this.send({ type: 'drain', timeoutMs });
    const drained = await answer;
    if (typeof drained === 'string') {
      this.kill('drain');
      await this.ended;
      return { cut: 1 };
    }
    const cancel = this.#clock.after(limits.leaveMs, () => this.kill('drain'));
    await this.ended;
    cancel();
    return drained;
  }

  /** It has less time to drain than it was told. */
  hurry(timeoutMs: number): void {
    this.send({ type: 'drain', timeoutMs });
  }

  kill(reason: EndReason): void {
    if (this.#hasEnded) return;
    this.#killedFor ??= reason;
    this.#child.kill('SIGKILL');
  }

  async #sendConfig(version: number, parcel: ConfigParcel): Promise<void> {
    for (const piece of parcel) await this.write({ type: 'config:piece', piece });
    this.send({ type: 'config:prepare', version });
  }

  /** The first message that `read` makes something of, unless the worker ends or the time is up. */
  async #await<T extends object | string>(
    read: (message: ToSupervisor) => T | null,
    limitMs: number,
  ): Promise<T | 'late' | 'ended'> {
    let take: ((message: ToSupervisor) => boolean) | null = null;
    let cancel = (): void => {};
    const answer = new Promise<T | 'late'>((resolve) => {
      take = (message) => {
        const value = read(message);
        if (value !== null) resolve(value);
        return value !== null;
      };
      this.#waiting.add(take);
      cancel = this.#clock.after(limitMs, () => resolve('late'));
    });
    try {
      return await Promise.race([answer, this.ended.then(() => 'ended' as const)]);
    } finally {
      cancel();
      if (take !== null) this.#waiting.delete(take);
    }
  }
}

/** Its last messages may come after its exit; a channel that nobody closes may not hold up its replacement. */
async function waitForEnd(child: ChildProcess): Promise<string> {
  const channelClosed = new Promise<void>((resolve) => {
    if (child.connected) child.once('disconnect', resolve);
    else resolve();
  });
  const how = await new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? `code ${code}`));
    child.on('error', (error) => {
      // It could not be started; other errors are followed by an exit.
      if (child.pid === undefined) resolve(error.message);
    });
  });
  let timer: NodeJS.Timeout | undefined;
  const longEnough = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, 500);
  });
  await Promise.race([channelClosed, longEnough]);
  clearTimeout(timer);
  return how;
}
