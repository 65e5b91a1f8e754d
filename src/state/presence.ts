/**
 * Whether Redis is there, as a state machine: away after an error or two late answers in a row; back when a probe has been
 * answered in time, and not before, whatever else still comes in.
 */
export type RedisStatus = 'up' | 'away';

/** Late answers in a row after which Redis is away. */
const lateLimit = 2;

export class Presence {
  readonly #onChange: (status: RedisStatus, reason: string) => void;
  #status: RedisStatus | 'unknown' = 'unknown';
  #lateInARow = 0;

  /** `onChange` also hears of the first status. */
  constructor(onChange: (status: RedisStatus, reason: string) => void) {
    this.#onChange = onChange;
  }

  /** `unknown`: nothing has been heard of it yet. */
  get status(): RedisStatus | 'unknown' {
    return this.#status;
  }

  answered(): void {
    this.#lateInARow = 0;
  }

  late(reason: string): void {
    this.#lateInARow++;
    if (this.#lateInARow >= lateLimit) this.failed(reason);
  }

  failed(reason: string): void {
    this.#become('away', reason);
  }

  probeAnswered(): void {
    this.answered();
    this.#become('up', '');
  }

  #become(status: RedisStatus, reason: string): void {
    if (this.#status === status) return;
    this.#status = status;
    this.#lateInARow = 0;
    this.#onChange(status, reason);
  }
}
