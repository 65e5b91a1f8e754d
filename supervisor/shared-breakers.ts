/**
 * Circuits that are open at one node, open at the others: told through Redis, asked for a few times a second. Only that a
 * circuit has opened is shared. When it may be tried again each node finds out by its own probe, and while Redis is away
 * each node judges for itself.
 */
import type { BreakerChange } from '../src/contracts/breaker.ts';
import type { Log } from '../src/contracts/log.ts';
import { type OpenCircuit, shareOpenCircuits } from '../src/state/breaker-script.ts';
import type { RedisStore } from '../src/state/redis-store.ts';

export interface SharedBreakersOptions {
  /** Null: Redis is not used. */
  readonly redis: () => Pick<RedisStore, 'run' | 'prefix'> | null;
  /** The circuits of this node. False: it has no such circuit, as yet. */
  readonly adopt: (change: BreakerChange) => boolean;
  readonly describe: (key: string) => BreakerChange;
  readonly log: Pick<Log, 'info' | 'warn'>;
}

/** Others know within a second, also when one answer comes too late. */
const askEveryMs = 300;

export class SharedBreakers {
  readonly #options: SharedBreakersOptions;
  /** Circuits that have opened here, and of which Redis does not know yet. */
  readonly #untold = new Set<string>();
  /** Openings that have been judged, by the time of their end: each is, once. An upstream may come with a later config. */
  #judged = new Map<string, number>();
  /** Redis is there, but says no: to a key that holds something else, or for want of a permission. */
  #isRefused = false;
  #isAdopting = false;
  #isAsking = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: SharedBreakersOptions) {
    this.#options = options;
  }

  /** `isUsed`: the config in force has breakers. */
  follow(isUsed: boolean): void {
    if (!isUsed && this.#timer !== null) {
      clearInterval(this.#timer);
      this.#timer = null;
    }
    if (isUsed && this.#timer === null) this.#timer = setInterval(() => void this.#share(), askEveryMs).unref();
  }

  /** A circuit of this node has changed. */
  changed({ key, state }: BreakerChange): void {
    // What is only adopted is no news, or two nodes would keep a circuit open for ever.
    if (state !== 'open' || this.#isAdopting) return;
    this.#untold.add(key);
    void this.#share();
  }

  async #share(): Promise<void> {
    const redis = this.#options.redis();
    if (redis === null || this.#isAsking) return;
    this.#isAsking = true;
    const opened = [...this.#untold].map((key) => this.#options.describe(key)).filter(({ state }) => state === 'open');
    this.#untold.clear();
    const open = await shareOpenCircuits(
      redis,
      opened.map(({ key, openForMs }) => [key, openForMs]),
    );
    this.#isAsking = false;
    if (open === null || open instanceof Error) for (const { key } of opened) this.#untold.add(key);
    else this.#judge(open, new Set(opened.map(({ key }) => key)));
    if (open !== null) this.#noteRefusal(open instanceof Error ? open.message : null, redis.prefix);
  }

  /** One line for each change. */
  #noteRefusal(reason: string | null, prefix: string): void {
    if ((reason !== null) === this.#isRefused) return;
    this.#isRefused = reason !== null;
    const key = `${prefix}:{breakers}`;
    if (reason === null) this.#options.log.info({ key }, 'circuit breakers: nodes tell each other again');
    else this.#options.log.warn({ key, reason }, 'circuit breakers: nodes can not tell each other, each judges alone');
  }

  #judge(open: readonly OpenCircuit[], own: ReadonlySet<string>): void {
    const before = this.#judged;
    this.#judged = new Map(open.map(({ key, until }) => [key, until]));
    this.#isAdopting = true;
    for (const { key, until, openForMs } of open) {
      if (own.has(key) || before.get(key) === until) continue;
      if (!this.#options.adopt({ key, state: 'open', openForMs })) this.#judged.delete(key);
    }
    this.#isAdopting = false;
  }
}
