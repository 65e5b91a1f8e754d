/**
 * The names of upstreams and their addresses, kept fresh in the background: only the first request to a name waits for
 * an answer. When no new answer comes the last good one stays. Connections take turns over the addresses of a name.
 */
import type { LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { Log } from '../contracts/log.ts';
import type { ResolveName } from './resolve-name.ts';

export interface NamesOptions {
  readonly resolve: ResolveName;
  readonly log: Pick<Log, 'info' | 'warn'>;
  /** The name has these addresses now, and had others before. */
  readonly onMoved: (hostname: string, addresses: readonly string[]) => void;
}

interface Entry {
  /** Empty until the first answer. */
  addresses: readonly LookupAddress[];
  /** Connections so far, of which each begins with the next address. */
  turns: number;
  /** The last question had no answer. */
  isStale: boolean;
  asking: Promise<void> | null;
  timer: NodeJS.Timeout | null;
}

/** An answer is renewed after its TTL, within these bounds; after `unknown` where nobody tells one, ms. */
const renewal = { shortest: 1_000, unknown: 30_000, longest: 300_000 };
/** After a question without an answer, ms. */
const retryMs = 2_000;

export class Names {
  readonly #options: NamesOptions;
  readonly #entries = new Map<string, Entry>();
  #resolve: ResolveName;

  constructor(options: NamesOptions) {
    this.#options = options;
    this.#resolve = options.resolve;
  }

  /** Asks others from now on, also for the names that are known. */
  askBy(resolve: ResolveName): void {
    this.#resolve = resolve;
    for (const [hostname, entry] of this.#entries) void this.#ask(hostname, entry).catch(ignore);
  }

  /** Forgets all other names. */
  keepOnly(hostnames: ReadonlySet<string>): void {
    for (const [hostname, { timer }] of this.#entries) {
      if (hostnames.has(hostname)) continue;
      if (timer !== null) clearTimeout(timer);
      this.#entries.delete(hostname);
    }
  }

  /** For a connection that is to be made. */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    this.#find(hostname).then(
      (addresses) => {
        const [first] = addresses as [LookupAddress];
        if (options.all === true) callback(null, addresses);
        else callback(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, []),
    );
  };

  async #find(hostname: string): Promise<LookupAddress[]> {
    let entry = this.#entries.get(hostname);
    if (entry === undefined) {
      entry = { addresses: [], turns: 0, isStale: false, asking: null, timer: null };
      this.#entries.set(hostname, entry);
    }
    if (entry.addresses.length === 0) await this.#ask(hostname, entry);
    return rotate(entry.addresses, entry.turns++);
  }

  /** However many want to know, one question at a time. Rejects when there is no answer. */
  #ask(hostname: string, entry: Entry): Promise<void> {
    entry.asking ??= this.#renew(hostname, entry).finally(() => {
      entry.asking = null;
    });
    return entry.asking;
  }

  async #renew(hostname: string, entry: Entry): Promise<void> {
    try {
      const { addresses, askTtlMs } = await this.#resolve(hostname);
      this.#take(hostname, entry, addresses);
      void askTtlMs().then((ttlMs) => this.#askIn(hostname, entry, withinBounds(ttlMs)));
    } catch (error) {
      // Nobody is served by a name that never had an address: the next request asks again.
      if (entry.addresses.length === 0) throw error;
      this.#keepStale(hostname, entry, error as NodeJS.ErrnoException);
    }
  }

  #take(hostname: string, entry: Entry, addresses: readonly LookupAddress[]): void {
    const { log, onMoved } = this.#options;
    const before = listOf(entry.addresses);
    const now = listOf(addresses);
    entry.addresses = addresses;
    if (entry.isStale) log.info({ hostname }, 'the name is resolved again');
    entry.isStale = false;
    if (before.length === 0 || before.join() === now.join()) return;
    log.info({ hostname, before, now }, 'the name has other addresses');
    onMoved(hostname, now);
  }

  #keepStale(hostname: string, entry: Entry, { code, message }: NodeJS.ErrnoException): void {
    if (!entry.isStale) {
      const reason = code ?? message;
      this.#options.log.warn({ hostname, reason }, 'the name is not resolved any more: its last addresses stay in use');
    }
    entry.isStale = true;
    this.#askIn(hostname, entry, retryMs);
  }

  #askIn(hostname: string, entry: Entry, ms: number): void {
    if (entry.timer !== null) clearTimeout(entry.timer);
    if (this.#entries.get(hostname) !== entry) return;
    entry.timer = setTimeout(() => void this.#ask(hostname, entry).catch(ignore), ms).unref();
  }
}

function withinBounds(ttlMs: number | null): number {
  return Math.min(renewal.longest, Math.max(renewal.shortest, ttlMs ?? renewal.unknown));
}

/** In one order, however the answer was shuffled. */
function listOf(addresses: readonly LookupAddress[]): string[] {
  return addresses.map(({ address }) => address).sort();
}

/** Each family begins with another of its addresses; which family comes first stays as it was answered (RFC 6724). */
function rotate(addresses: readonly LookupAddress[], turns: number): LookupAddress[] {
  const families = [...new Set(addresses.map(({ family }) => family))];
  return families.flatMap((family) => {
    const own = addresses.filter((each) => each.family === family);
    const start = turns % own.length;
    return [...own.slice(start), ...own.slice(0, start)];
  });
}

function ignore(): void {
  // Whoever waits for the same answer hears of it.
}
