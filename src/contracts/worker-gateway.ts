/** What a worker's process asks of the gateway that runs in it; the supervisor's messages become these calls, one config call at a time. */
import type { Config, ListenerTlsConfig, LoggingConfig } from './config.ts';
import type { WorkerInsight } from './insight.ts';
import type { ToSupervisor, ToWorker } from './ipc.ts';

export interface WorkerGateway {
  /** Compiles a config beside the one in force. Rejects with a message for the operator when it can't be taken up. */
  prepare(config: Config, version: number): Promise<void>;
  /** Takes up the prepared config, at once. */
  commit(version: number): void;
  /** Forgets the prepared config. */
  discard(version: number): void;
  /** The files of `proxy.tls` have new content, which the supervisor has found good: for handshakes from now on. */
  takeCertificates(tls: ListenerTlsConfig): void;
  /** What tickets of TLS sessions are sealed with, the same on all workers, so that each resumes the sessions of the others. */
  takeTicketKeys(keys: Uint8Array): void;
  /** Accepts connections from this handle (a copy of the supervisor's bound socket). Resolves when it does, rejects when it can't. */
  listen(handle: unknown): Promise<void>;
  /** Every answer closes its connection from now on; new connections are still accepted. */
  closeConnections(): void;
  /**
   * Stops accepting, finishes what is in flight within `timeoutMs`, then cuts it; resolves with the number of requests
   * cut, once the last of them has been counted and reported. May be called again with less time: the shorter one holds, for both calls.
   */
  drain(timeoutMs: number): Promise<{ readonly cut: number }>;
  /** Until the next config is taken up; null: the present one's. */
  setLogLevel(level: LoggingConfig['level'] | null): void;
  inspect(): WorkerInsight;
  /** Everything else that the supervisor says. */
  receive(message: GatewayMessage): void;
}

export type GatewayMessage = Extract<
  ToWorker,
  {
    type:
      | 'health'
      | 'targets:faulty'
      | 'scraped'
      | 'metrics:taken'
      | 'permit:answer'
      | 'breaker:changed'
      | 'admissions';
  }
>;

export interface WorkerGatewayOptions {
  /** False when the supervisor has gone. */
  readonly send: (message: ToSupervisor) => boolean;
  /** Its name in logs and metrics, which a successor inherits: 1 to the number of workers. */
  readonly worker: string;
  /** How many workers share the machine, this one included. */
  readonly workers: number;
}
