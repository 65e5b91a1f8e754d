/**
 * Keeps every slot filled with a worker that serves the config in force: watches them, replaces what dies or hangs, and
 * rolls all of them over on request.
 */
import type { ToSupervisor, ToWorker } from '../src/contracts/ipc.ts';
import type { Log } from '../src/contracts/log.ts';
import type { WorkerProcessStatus } from '../src/contracts/status.ts';
import type { AwakeClock, Tick } from './awake-clock.ts';
import { Backoff } from './backoff.ts';
import { HangWatch } from './hang-watch.ts';
import { broken, type Failure, Nursery } from './nursery.ts';
import { StartBlocked } from './start-blocked.ts';
import type { ConfigVersion, EndReason, RestartReason, WorkerEnd, WorkerProcess } from './worker-process.ts';

export interface PoolOptions {
  readonly count: number;
  readonly program: URL;
  /** The listening socket, of which each worker gets a copy. */
  readonly handle: unknown;
  readonly clock: AwakeClock;
  readonly log: Log;
  /** The config that a worker is born with. */
  readonly committed: () => ConfigVersion;
  /** What a worker must know before it accepts connections, beyond its config. */
  readonly news: () => readonly ToWorker[];
  /** How long a worker that is being replaced may finish its requests. */
  readonly drainMs: () => number;
  /** Metrics reports and scrapes. */
  readonly onMessage: (worker: WorkerProcess, message: ToSupervisor) => void;
  readonly onEnded: (worker: WorkerProcess) => void;
  readonly onRestart: (reason: RestartReason) => void;
  /** How many workers accept connections. */
  readonly onListening: (count: number) => void;
}

interface Slot {
  readonly number: number;
  readonly backoff: Backoff;
  worker: WorkerProcess | null;
  /** Workers that died here and were replaced. */
  readonly deaths: { count: number; last: Death | null };
  /** Not before: a worker that fills its memory again and again is not what a new one would help against. Awake time. */
  spareUntil: number;
  /** The birth that is under way in this slot: never two at a time. Resolves with null when the slot holds the new worker. */
  birth: Promise<Failure | null> | null;
}

/** How the last worker of a slot that died came to its end. */
export interface Death {
  readonly reason: EndReason;
  readonly how: string;
  readonly at: Date;
}

const startTries = 3;
const rollTries = 2;
/** Between two replacements of a slot's worker for its memory. */
const fullAgainMs = 300_000;

export class WorkerPool {
  readonly #options: PoolOptions;
  readonly #log: Log;
  readonly #nursery: Nursery;
  readonly #slots: readonly Slot[];
  /** Every process that has not ended, whatever its part. */
  readonly #alive = new Set<WorkerProcess>();
  /** Those that have the config in force and have been told to listen: the parties to a reload. */
  readonly #serving = new Set<WorkerProcess>();
  readonly #listening = new Set<WorkerProcess>();
  /** Draining workers, each with the number of its requests that will have been cut. */
  readonly #leaving = new Map<WorkerProcess, Promise<number>>();
  readonly #hangWatch = new HangWatch<WorkerProcess>();
  /** The slot whose hung worker is being replaced: one at a time. */
  #hungSlot: Slot | null = null;
  #replacesFull = false;
  #pings = 0;
  #isStopping = false;
  #closesConnections = false;
  #waitingForChange: (() => void)[] = [];

  constructor(options: PoolOptions) {
    const { count, program, clock, committed } = options;
    this.#options = options;
    this.#log = options.log;
    this.#nursery = new Nursery({
      count,
      program,
      clock,
      committed,
      onMessage: (worker, message) => this.#receive(worker, message),
      onForked: (worker) => {
        this.#alive.add(worker);
        void worker.ended.then(() => this.#forget(worker));
      },
    });
    this.#slots = Array.from({ length: count }, (_, i) => ({
      number: i + 1,
      backoff: new Backoff(),
      worker: null,
      deaths: { count: 0, last: null },
      spareUntil: 0,
      birth: null,
    }));
    clock.onTick((tick) => this.#watchHangs(tick));
  }

  /** All workers take up the config, then all listen. Throws StartBlocked when that can't be had. */
  async start(): Promise<void> {
    await Promise.all(this.#slots.map((slot) => this.#raiseFirst(slot)));
    const failures = await Promise.all(this.#slots.map((slot) => this.#admitFirst(slot)));
    for (const failure of failures) if (failure !== null) throw new StartBlocked(`${failure}`);
    for (const slot of this.#slots) void this.#keepFilled(slot);
  }

  serving(): readonly WorkerProcess[] {
    return [...this.#serving];
  }

  /** Every process that has not ended, in the order of their places. */
  census(): { readonly worker: WorkerProcess; readonly state: WorkerProcessStatus['state'] }[] {
    const all = [...this.#alive].sort((a, b) => a.slot - b.slot || a.id - b.id);
    return all.map((worker) => {
      const state = this.#leaving.has(worker) ? 'leaving' : 'starting';
      return { worker, state: this.#listening.has(worker) ? 'serving' : state };
    });
  }

  /** How often workers have died in each place, by its number. */
  deaths(): ReadonlyMap<number, { readonly count: number; readonly last: Death | null }> {
    return new Map(this.#slots.map(({ number, deaths }) => [number, deaths]));
  }

  /** Resolves when the set of serving workers has changed. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#waitingForChange.push(resolve));
  }

  tellAll(message: ToWorker): void {
    for (const worker of this.#serving) worker.send(message);
  }

  /** Every worker is replaced by one that loads its code anew, slot by slot, the new one first. */
  async replaceAll(): Promise<'done' | 'failed' | 'stopped'> {
    const newest = this.#nursery.lastId;
    for (const slot of this.#slots) {
      await slot.birth;
      if (this.#isStopping) return 'stopped';
      const old = slot.worker;
      // An empty slot, or a dead worker's, is about to be filled with a new one anyway.
      if (old === null || old.hasEnded || old.id > newest) continue;
      const outcome = await this.#replace(slot, old);
      if (outcome !== 'done') return outcome;
    }
    return 'done';
  }

  /** A worker holds more memory than it should: another takes its place first, then it drains. One at a time. */
  async replaceFull(worker: WorkerProcess, share: number): Promise<void> {
    const slot = this.#slots.find((candidate) => candidate.worker === worker);
    const now = this.#options.clock.now();
    if (slot === undefined || slot.birth !== null || now < slot.spareUntil) return;
    if (this.#replacesFull || this.#isStopping) return;
    this.#replacesFull = true;
    slot.spareUntil = now + fullAgainMs;
    this.#log.warn({ worker: slot.number, pid: worker.pid, share }, 'worker holds too much memory, replacing it');
    this.#options.onRestart('memory');
    await this.#replace(slot, worker).finally(() => {
      this.#replacesFull = false;
    });
  }

  /** Every answer closes its connection from now on, also those of workers that are yet to come. */
  closeConnections(): void {
    this.#closesConnections = true;
    this.tellAll({ type: 'close-connections' });
  }

  /** No worker is started any more; those that serve finish their requests and leave. Resolves with the number of requests cut. */
  async drainAll(timeoutMs: number): Promise<number> {
    this.#isStopping = true;
    for (const worker of this.#alive) {
      // Those that are leaving already have been given the same time.
      if (!this.#serving.has(worker) && !this.#leaving.has(worker)) worker.kill('drain');
    }
    for (const worker of this.#serving) void this.#drain(worker, timeoutMs);
    const cuts = await Promise.all(this.#leaving.values());
    return cuts.reduce((sum, cut) => sum + cut, 0);
  }

  /** Those that are leaving have this much time left. */
  hurry(timeoutMs: number): void {
    for (const worker of this.#leaving.keys()) worker.hurry(timeoutMs);
  }

  killAll(): void {
    this.#isStopping = true;
    for (const worker of this.#alive) worker.kill('drain');
  }

  async #raiseFirst(slot: Slot): Promise<void> {
    for (let tries = 1; !this.#isStopping; tries++) {
      const birth = await this.#nursery.raise(slot.number);
      slot.worker = birth.worker;
      if (birth.worker !== null) return;
      const { kind, why } = birth.failure;
      if (kind === 'refused') throw new StartBlocked(`${why}`);
      if (tries === startTries) throw new StartBlocked(`worker ${slot.number} can't be started: ${why}`);
      if (!this.#isStopping) this.#log.warn({ worker: slot.number }, `worker failed to start, trying again: ${why}`);
    }
  }

  /** Why no worker will be able to listen, if so. One that dies meanwhile is replaced as at any other time. */
  async #admitFirst(slot: Slot): Promise<string | null> {
    if (slot.worker === null || this.#isStopping) return null;
    const failure = await this.#admit(slot.worker);
    return failure?.kind === 'refused' ? failure.why : null;
  }

  /** Waits for the death of the slot's worker and replaces it, for as long as the gateway runs. */
  async #keepFilled(slot: Slot): Promise<void> {
    for (;;) {
      const { worker } = slot;
      if (worker === null) return;
      const death = await worker.ended;
      // A rolling replacement may be about to put another in its place.
      while (slot.birth !== null) await slot.birth;
      if (slot.worker === worker) await this.#refill(slot, death);
      if (this.#hungSlot === slot) this.#hungSlot = null;
    }
  }

  async #refill(slot: Slot, death: WorkerEnd): Promise<void> {
    slot.worker = null;
    let { reason, how, ageMs } = death;
    while (!this.#isStopping) {
      slot.deaths.count++;
      slot.deaths.last = { reason, how, at: new Date() };
      const delayMs = slot.backoff.delayAfterDeath(ageMs);
      this.#log.error({ worker: slot.number, reason, how, ageMs: Math.round(ageMs), delayMs }, 'worker died');
      if (delayMs > 0) await sleep(delayMs);
      if (this.#isStopping) return;
      this.#options.onRestart(reason);
      const bornAt = performance.now();
      const failure = await this.#fill(slot);
      if (failure === null) return;
      reason = 'start';
      how = failure.why;
      ageMs = performance.now() - bornAt;
      // It may take long: then others that hang can be looked after.
      if (this.#hungSlot === slot) this.#hungSlot = null;
    }
  }

  async #replace(slot: Slot, old: WorkerProcess): Promise<'done' | 'failed' | 'stopped'> {
    for (let tries = 1; ; tries++) {
      const failure = await this.#fill(slot);
      if (this.#isStopping) return 'stopped';
      if (failure === null) break;
      // The old one died meanwhile: its slot is being filled as after any death.
      if (old.hasEnded) return 'done';
      this.#log.error({ worker: slot.number }, `replacement failed to start, the old worker stays: ${failure.why}`);
      if (tries === rollTries) return 'failed';
    }
    if (old.hasEnded) return 'done';
    const cut = await this.#drain(old, this.#options.drainMs());
    if (cut > 0) this.#log.warn({ worker: slot.number, cut }, 'the replaced worker had to cut requests');
    return 'done';
  }

  /** A new worker for the slot. Null when it serves there. */
  async #fill(slot: Slot): Promise<Failure | null> {
    slot.birth = this.#raiseInto(slot).finally(() => {
      slot.birth = null;
    });
    return await slot.birth;
  }

  async #raiseInto(slot: Slot): Promise<Failure | null> {
    const birth = await this.#nursery.raise(slot.number);
    if (birth.worker === null) return birth.failure;
    const failure = await this.#admit(birth.worker);
    if (failure === null) slot.worker = birth.worker;
    return failure;
  }

  /** Null when the worker accepts connections; a failed one has ended. */
  async #admit(worker: WorkerProcess): Promise<Failure | null> {
    const failure =
      (await this.#nursery.bringUpToDate(worker, () => this.#beginToServe(worker))) ?? (await this.#open(worker));
    if (failure === null) return null;
    worker.kill('start');
    await worker.ended;
    return failure;
  }

  #beginToServe(worker: WorkerProcess): void {
    this.#serving.add(worker);
    this.#announceChange();
    for (const message of this.#options.news()) worker.send(message);
    if (this.#closesConnections) worker.send({ type: 'close-connections' });
  }

  async #open(worker: WorkerProcess): Promise<Failure | null> {
    const outcome = await worker.listen(this.#options.handle);
    if (outcome === 'late' || outcome === 'ended') return broken('listen', outcome);
    if (outcome !== 'listening') return { kind: 'refused', why: outcome.error };
    if (!this.#serving.has(worker)) return null;
    this.#listening.add(worker);
    this.#hangWatch.watch(worker, this.#options.clock.now());
    this.#options.onListening(this.#listening.size);
    return null;
  }

  #drain(worker: WorkerProcess, timeoutMs: number): Promise<number> {
    this.#retire(worker);
    const drained = worker.drain(timeoutMs).then(({ cut }) => cut);
    this.#leaving.set(worker, drained);
    return drained;
  }

  #forget(worker: WorkerProcess): void {
    this.#alive.delete(worker);
    this.#leaving.delete(worker);
    this.#retire(worker);
    this.#options.onEnded(worker);
  }

  #retire(worker: WorkerProcess): void {
    this.#hangWatch.unwatch(worker);
    if (this.#listening.delete(worker)) this.#options.onListening(this.#listening.size);
    if (this.#serving.delete(worker)) this.#announceChange();
  }

  #announceChange(): void {
    const waiting = this.#waitingForChange;
    this.#waitingForChange = [];
    for (const resume of waiting) resume();
  }

  #receive(worker: WorkerProcess, message: ToSupervisor): void {
    this.#hangWatch.heard(worker, this.#options.clock.now());
    if (message.type !== 'pong') this.#options.onMessage(worker, message);
  }

  #watchHangs(tick: Tick): void {
    if (this.#hangWatch.shouldPing(tick)) {
      this.#pings++;
      for (const worker of this.#listening) worker.send({ type: 'ping', id: this.#pings });
    }
    const hung = this.#hangWatch.findHung(tick);
    if (hung === null || this.#hungSlot !== null || this.#isStopping) return;
    this.#hungSlot = this.#slots.find((slot) => slot.worker === hung) ?? null;
    this.#log.error({ worker: hung.slot, pid: hung.pid }, 'worker hangs: its event loop has stopped, killing it');
    this.#hangWatch.unwatch(hung);
    hung.kill('hang');
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
