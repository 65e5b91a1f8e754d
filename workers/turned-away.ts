/** Connections that do not come in: each is counted, and when it begins and ends that limits turn some away is logged. */
import type { Log } from '../src/contracts/log.ts';
import type { Recorder } from '../src/metrics/recorder.ts';
import type { HandshakeFailure } from '../src/tls/handshake-failures.ts';
import type { ConnectionRefusal, EntranceObserver } from './entrance.ts';

/** A limit that has turned nobody away for so long is no longer reached, ms. */
const quietMs = 10_000;

export class TurnedAway implements EntranceObserver {
  readonly #recorder: Recorder;
  readonly #log: Log;
  readonly #spells: Readonly<Record<ConnectionRefusal, Spell>>;

  constructor(recorder: Recorder, log: Log) {
    this.#recorder = recorder;
    this.#log = log;
    this.#spells = {
      max_connections: new Spell(log, 'proxy.limits.maxConnections'),
      max_connections_per_ip: new Spell(log, 'proxy.limits.maxConnectionsPerIp'),
    };
  }

  connectionRefused(reason: ConnectionRefusal, peerIp: string): void {
    this.#recorder.recordRejectedConnection(reason);
    this.#spells[reason].note(peerIp);
  }

  /** Anybody can make handshakes fail, as often as they like: nothing above debug. */
  handshakeFailed(reason: HandshakeFailure, peerIp: string, code: string): void {
    this.#recorder.recordHandshakeFailure(reason);
    this.#log.debug({ reason, peerIp, code }, 'a TLS handshake failed');
  }
}

/** The time in which a limit keeps turning connections away: one line at its beginning and one at its end. */
class Spell {
  readonly #log: Log;
  readonly #limit: string;
  #refused = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(log: Log, limit: string) {
    this.#log = log;
    this.#limit = limit;
  }

  note(peerIp: string): void {
    this.#refused++;
    if (this.#timer !== null) {
      this.#timer.refresh();
      return;
    }
    this.#log.warn({ limit: this.#limit, peerIp }, 'connections are turned away: a limit is reached');
    this.#timer = setTimeout(() => this.#end(), quietMs).unref();
  }

  #end(): void {
    this.#log.info({ limit: this.#limit, refused: this.#refused }, 'connections are no longer turned away');
    this.#refused = 0;
    this.#timer = null;
  }
}
