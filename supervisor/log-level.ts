/** The level of the log while an operator wants another than the config's: in all processes, those that are yet to come too. */
import type { LoggingConfig } from '../src/contracts/config.ts';
import type { ToWorker } from '../src/contracts/ipc.ts';
import type { Logger } from '../src/log/logger.ts';
import type { LogLevel, LogLevelReport } from './admin/log-level-endpoints.ts';

export class LogLevelKeeper {
  readonly #log: Logger;
  readonly #tellAll: (message: ToWorker) => void;
  #configured: LoggingConfig;
  /** Null: the config's. */
  #level: LogLevel | null = null;
  #until: Date | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(log: Logger, configured: LoggingConfig, tellAll: (message: ToWorker) => void) {
    this.#log = log;
    this.#configured = configured;
    this.#tellAll = tellAll;
  }

  get report(): LogLevelReport {
    const { level } = this.#configured;
    return { level: this.#level ?? level, configured: level, until: this.#until?.toISOString() ?? null };
  }

  /** `level` null: the config's. `forMs` null: until the next config. */
  set(level: LogLevel | null, forMs: number | null): void {
    this.#clear();
    this.#level = level;
    if (level !== null && forMs !== null) {
      this.#until = new Date(Date.now() + forMs);
      this.#timer = setTimeout(() => this.set(null, null), forMs).unref();
    }
    this.#log.configure({ ...this.#configured, level: level ?? this.#configured.level });
    this.#tellAll({ type: 'log:level', level });
  }

  /** A new config is in force, and its level with it. Workers take that up by themselves. */
  follow(configured: LoggingConfig): void {
    this.#clear();
    this.#level = null;
    this.#configured = configured;
    this.#log.configure(configured);
  }

  /** For a worker that begins to serve. */
  news(): ToWorker[] {
    return this.#level === null ? [] : [{ type: 'log:level', level: this.#level }];
  }

  #clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#until = null;
  }
}
