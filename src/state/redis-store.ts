/**
 * Redis as the gateway shares state through it: scripts that are run there, and whether it is there at all. A call waits
 * for 50 ms and no longer; while Redis is away only probes are sent, one at a time.
 */
import type { RedisConfig } from '../contracts/config.ts';
import { probeKey } from './bucket-keys.ts';
import { bucketScript } from './bucket-script.ts';
import { Patience, patienceMs, type Wait } from './patience.ts';
import { Presence, type RedisStatus } from './presence.ts';
import { isReply, messageOf, openRedis, type RedisConnection } from './redis-connection.ts';
import type { ScriptCall } from './script.ts';

const probeEveryMs = 500;
/** Of a probe, counted from when it is late. */
const silenceMs = 500;
/** Unanswered for so many probes, a connection may be cut without our knowing, or lead to a server that takes no writes: a new one finds out. */
const probesPerConnection = 3;
const startupMs = 1_000;

export class RedisStore {
  /** Resolves when it is known whether Redis is there, after a second at most: then it starts as away. */
  readonly started: Promise<void>;
  /** Of the names of all keys. */
  readonly prefix: string;
  readonly #connection: RedisConnection;
  readonly #patience = new Patience();
  readonly #presence: Presence;
  readonly #timer: NodeJS.Timeout;
  /** Calls that are waited for; they end when Redis goes away. */
  readonly #open = new Set<() => void>();
  /** In a cluster the slot that failed is probed until it works, else one after the other. */
  #probeTag = '0';
  #probes = 0;
  #unansweredProbes = 0;
  #isProbing = false;
  #isClosed = false;

  /** Never gives up. `onChange` is told of the first status too. */
  constructor(config: RedisConfig, onChange: (status: RedisStatus, reason: string) => void) {
    this.prefix = config.prefix;
    let begun = (): void => {};
    this.started = new Promise((resolve) => {
      begun = resolve;
    });
    this.#presence = new Presence((status, reason) => {
      if (this.#isClosed) return;
      onChange(status, reason);
      begun();
      if (status === 'away') this.#endCalls();
    });
    this.#connection = openRedis(config, {
      onReady: () => this.#probe(),
      onLost: (reason) => this.#presence.failed(reason),
    });
    this.#timer = setInterval(() => this.#tick(), probeEveryMs).unref();
    setTimeout(() => {
      setImmediate(() => {
        if (this.#presence.status === 'unknown') this.#presence.failed('no answer within a second of the start');
        begun();
      });
    }, startupMs).unref();
  }

  get status(): RedisStatus {
    return this.#presence.status === 'up' ? 'up' : 'away';
  }

  /** Of a request, for all that it asks. `onLate` is called once, unless the wait is ended before. */
  wait(onLate: () => void): Wait {
    return this.#patience.wait(onLate);
  }

  endWait(wait: Wait): void {
    this.#patience.end(wait);
  }

  /**
   * The script's answer; null when there is none in time. `tag`: decides on the slot of its keys. Redis is judged by the
   * limits: what it has against another script comes back as an Error, and is for the caller to judge.
   */
  run(call: ScriptCall, tag: string): Promise<unknown> {
    if (this.status === 'away') return Promise.resolve(null);
    return new Promise((resolve) => {
      const giveUp = (): void => {
        this.#patience.end(wait);
        this.#open.delete(giveUp);
        resolve(null);
      };
      this.#open.add(giveUp);
      const wait = this.#patience.wait(() => {
        giveUp();
        this.#late(tag);
      });
      const take = (answer: unknown): void => {
        if (!this.#open.delete(giveUp)) return;
        this.#patience.end(wait);
        this.#presence.answered();
        resolve(answer ?? null);
      };
      this.#connection.run(call).then(take, (error: Error) => {
        if (call.script !== bucketScript && isReply(error)) return take(error);
        this.#failed(tag, error);
        giveUp();
      });
    });
  }

  /** What is being waited for still gets its answer. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#timer);
    setTimeout(() => this.#connection.close(), 2 * patienceMs);
  }

  #late(tag: string): void {
    if (this.status === 'up') this.#probeTag = tag;
    this.#presence.late(`no answer within ${patienceMs} ms`);
  }

  #failed(tag: string, error: Error): void {
    if (this.#isClosed) return;
    if (this.status === 'up') this.#probeTag = tag;
    // Before the first connection has been made, that nothing can be sent says nothing.
    if (this.#presence.status !== 'unknown' || isReply(error)) this.#presence.failed(messageOf(error));
    if (error.message.startsWith('READONLY')) this.#connection.reconnect();
  }

  #endCalls(): void {
    for (const giveUp of this.#open) giveUp();
  }

  #tick(): void {
    if (this.status === 'up') this.#probeTag = String(this.#probes++ % 64);
    this.#probe();
    if (++this.#unansweredProbes <= probesPerConnection) return;
    this.#unansweredProbes = 0;
    this.#connection.reconnect();
  }

  /**
   * A call of the script that keeps the limits, on a bucket of its own: whatever keeps limits from working (loading, no
   * writes, out of memory, a slot without a server) keeps Redis away. One at a time, so that a Redis that hangs collects
   * no questions.
   */
  #probe(): void {
    if (this.#isProbing || this.#isClosed) return;
    this.#isProbing = true;
    const tag = this.#probeTag;
    let isLate = false;
    let wait = this.#patience.wait(() => {
      isLate = true;
      this.#late(tag);
      // One that gets no answer at all is late twice.
      wait = this.#patience.wait(() => this.#late(tag), silenceMs);
    });
    const call = { script: bucketScript, keys: [probeKey(this.prefix, tag)], args: [probeAsk] };
    this.#connection.run(call).then(
      () => {
        this.#endProbe(wait);
        this.#unansweredProbes = 0;
        // Of another slot than the one that has failed meanwhile: says nothing about that one.
        if (isLate || tag !== this.#probeTag) this.#probe();
        else if (!this.#isClosed) this.#presence.probeAnswered();
      },
      (error: Error) => {
        this.#endProbe(wait);
        this.#failed(tag, error);
      },
    );
  }

  #endProbe(wait: Wait): void {
    this.#patience.end(wait);
    this.#isProbing = false;
  }
}

/** One token of one in a millisecond. */
const probeAsk = JSON.stringify([[1, 1, 0], [[1, 1, 1]]]);
