/**
 * Redis as the gateway shares state through it. So far its presence: up or away, found out by a probe each second, told
 * once per change.
 */
import type { RedisConfig } from '../contracts/config.ts';
import type { Log } from '../contracts/log.ts';
import { messageOf, openRedis, type RedisConnection } from './redis-connection.ts';

export type RedisStatus = 'up' | 'away';

export interface RedisStoreOptions {
  readonly log: Log;
  /** Called at each change; not for the status that the store starts with. */
  readonly onChange: (status: RedisStatus) => void;
}

const probeEveryMs = 700;
/** An answer that takes longer is none. */
const answerMs = 500;
/** A connection that is silent for so many probes may be cut without our knowing: a new one finds out. */
const patience = 2;
const startupMs = 1000;

/** Resolves when Redis has answered, or after a second: then it starts as away. Never rejects, and never gives up. */
export async function connectRedis(config: RedisConfig, options: RedisStoreOptions): Promise<RedisStore> {
  const store = new RedisStore(config, options);
  await store.started;
  return store;
}

export class RedisStore {
  readonly started: Promise<void>;
  readonly #options: RedisStoreOptions;
  readonly #onError: RedisConfig['onError'];
  readonly #connection: RedisConnection;
  readonly #timer: NodeJS.Timeout;
  #status: RedisStatus | 'unknown' = 'unknown';
  /** Counted in probes, not by the clock, which goes on while this process is held up. */
  #silentProbes = 0;
  #probing = false;
  #begun: () => void = () => {};
  #closed = false;

  constructor(config: RedisConfig, options: RedisStoreOptions) {
    this.#options = options;
    this.#onError = config.onError;
    this.started = new Promise((resolve) => {
      this.#begun = resolve;
    });
    this.#connection = openRedis(config, {
      onReady: () => this.#probe(),
      onLost: (reason) => this.#become('away', reason),
    });
    this.#timer = setInterval(() => this.#tick(), probeEveryMs).unref();
    afterReading(startupMs, () => {
      if (this.#status === 'unknown') this.#become('away', 'no answer within a second of the start');
    });
  }

  get status(): RedisStatus {
    return this.#status === 'up' ? 'up' : 'away';
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#connection.close();
    this.#begun();
  }

  #tick(): void {
    this.#probe();
    this.#silentProbes++;
    if (this.#silentProbes <= patience) return;
    this.#silentProbes = 0;
    this.#connection.reconnect();
  }

  /** One at a time, so that a Redis that hangs collects no questions. */
  #probe(): void {
    if (this.#probing || this.#closed) return;
    this.#probing = true;
    const late = afterReading(answerMs, () => {
      if (this.#probing) this.#become('away', `no answer within ${answerMs} ms`);
    });
    this.#connection.ping().then(
      () => {
        this.#probed(late);
        this.#silentProbes = 0;
        this.#become('up', '');
      },
      (error: Error) => {
        this.#probed(late);
        const isReply = error.name === 'ReplyError';
        // It is there and says no (loading, not permitted): another connection would not help.
        if (isReply) this.#silentProbes = 0;
        // While the first connection is being made, a question that can't be put yet says nothing.
        if (isReply || this.#status === 'up') this.#become('away', messageOf(error));
      },
    );
  }

  #probed(late: NodeJS.Timeout): void {
    clearTimeout(late);
    this.#probing = false;
  }

  #become(status: RedisStatus, reason: string): void {
    if (this.#closed || this.#status === status) return;
    const before = this.#status;
    this.#status = status;
    this.#begun();
    const { log, onChange } = this.#options;
    if (status === 'away') log.warn({ reason, onError: this.#onError }, awayMessages[this.#onError]);
    else log.info({}, before === 'unknown' ? 'Redis is up' : 'Redis is back');
    if (before !== 'unknown') onChange(status);
  }
}

/** Timers run before sockets are read: after a pause of this process the answer may be there already. */
function afterReading(ms: number, act: () => void): NodeJS.Timeout {
  return setTimeout(() => setImmediate(act), ms);
}

const awayMessages: { readonly [O in RedisConfig['onError']]: string } = {
  local: 'Redis is away: each node keeps its limits by itself',
  open: 'Redis is away: no limits are kept',
  closed: 'Redis is away: limited requests are refused, and the gateway is not ready',
};
