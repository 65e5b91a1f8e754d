/** What workers need for TLS beside the config: certificates whose files have changed since, and the keys of session tickets. */
import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { ListenerTlsConfig } from '../src/contracts/config.ts';
import type { ToWorker } from '../src/contracts/ipc.ts';
import type { Log } from '../src/contracts/log.ts';
import { runTask } from '../src/offload/pool.ts';
import { type CertificatesRead, type Expiry, filesOf } from '../src/tls/read-certificates.ts';
import { coalesce } from './coalesce.ts';
import type { MetricsRegistry } from './metrics-registry.ts';
import { watchFiles } from './watch-files.ts';

/** Whoever learns the keys can read recorded sessions that were resumed under them: they don't live long. */
const ticketKeysMs = 8 * 60 * 60 * 1000;

export class TlsKeeper {
  readonly #log: Log;
  readonly #registry: MetricsRegistry;
  readonly #tellAll: (message: ToWorker) => void;
  #ticketKeys = randomBytes(48);
  /** As the config in force has it; null: no TLS. */
  #configured: ListenerTlsConfig | null = null;
  /** As the files have been since; the same object as long as they have not changed. */
  #inUse: ListenerTlsConfig | null = null;
  #stopWatching = (): void => {};
  /** What was wrong with the files when they were last looked at; it is said once. */
  #complaint: string | null = null;
  #expiries: readonly Expiry[] = [];

  constructor(log: Log, registry: MetricsRegistry, tellAll: (message: ToWorker) => void) {
    this.#log = log;
    this.#registry = registry;
    this.#tellAll = tellAll;
    setInterval(() => this.#changeTicketKeys(), ticketKeysMs).unref();
  }

  /** For a worker that has taken up the config, before it listens. */
  greetings(): ToWorker[] {
    const greetings: ToWorker[] = [{ type: 'tls:ticket-keys', keys: this.#ticketKeys }];
    if (this.#inUse !== null && this.#inUse !== this.#configured) {
      greetings.push({ type: 'tls:certificates', tls: this.#inUse });
    }
    return greetings;
  }

  /** The workers take up a config with this. */
  follow(configured: ListenerTlsConfig | null): void {
    if (configured !== null && isDeepStrictEqual(configured, this.#configured)) {
      // Read before the files changed, it puts the old ones back as soon as the workers are told to take it up.
      setImmediate(() => this.#tellWhatIsNew());
      return;
    }
    this.#configured = configured;
    this.#inUse = configured;
    this.#complaint = null;
    this.#stopWatching();
    this.#stopWatching = (): void => {};
    if (configured === null) return this.#showExpiries([]);
    const files = filesOf(configured).map(({ file }) => file);
    this.#stopWatching = watchFiles(files, () => void this.#look());
    void this.#look();
  }

  readonly #look = coalesce(async () => {
    const inUse = this.#inUse;
    if (inUse === null) return;
    const read = await runTask('readCertificates', inUse).catch((error: unknown) => badly(error));
    // A reload has come between, and looks by itself.
    if (this.#inUse !== inUse) return;
    if (read.outcome === 'bad') return this.#complain(read.error);
    this.#complaint = null;
    this.#showExpiries(read.expiries);
    if (read.outcome === 'changed') this.#takeUp(read.tls);
  });

  #tellWhatIsNew(): void {
    const tls = this.#inUse;
    if (tls !== null && tls !== this.#configured) this.#tellAll({ type: 'tls:certificates', tls });
  }

  #takeUp(tls: ListenerTlsConfig): void {
    this.#inUse = tls;
    this.#registry.add('tls_certificate_reloads_total', ['accepted']);
    this.#tellWhatIsNew();
    this.#log.info({}, 'the certificates of proxy.tls have changed: new connections get the new ones');
  }

  #complain(error: string): void {
    if (error === this.#complaint) return;
    this.#complaint = error;
    this.#registry.add('tls_certificate_reloads_total', ['rejected']);
    this.#log.warn({ error }, 'the changed certificates of proxy.tls are no good: the present ones stay in use');
  }

  #showExpiries(expiries: readonly Expiry[]): void {
    for (const { file } of this.#expiries) this.#registry.remove('tls_certificate_expiry_timestamp_seconds', [file]);
    for (const { file, at } of expiries) {
      this.#registry.set('tls_certificate_expiry_timestamp_seconds', [file], at);
    }
    this.#expiries = expiries;
  }

  #changeTicketKeys(): void {
    this.#ticketKeys = randomBytes(48);
    this.#tellAll({ type: 'tls:ticket-keys', keys: this.#ticketKeys });
  }
}

/** The thread has failed, not the files. */
function badly(error: unknown): CertificatesRead {
  return { outcome: 'bad', error: `they can't be read now: ${String(error)}` };
}
