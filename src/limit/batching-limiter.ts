/** The limiter of a worker: the asks of one turn of the event loop go to the authority together. */
import type { Admission, Ask, LimitAuthority, Limiter } from '../contracts/limiter.ts';

export class BatchingLimiter implements Limiter {
  /** gateway: the one that the config in force names. What has been asked is answered by the one that was asked. */
  authority: LimitAuthority;
  #batch: Ask[] = [];
  #waiting: ((admission: Admission) => void)[] = [];

  constructor(authority: LimitAuthority) {
    this.authority = authority;
  }

  admit(ask: Ask): Promise<Admission> {
    // All that has been read from sockets in this turn has been asked when immediates run.
    if (this.#batch.length === 0) setImmediate(() => void this.#flush());
    this.#batch.push(ask);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async #flush(): Promise<void> {
    const waiting = this.#waiting;
    const batch = this.#batch;
    this.#waiting = [];
    this.#batch = [];
    const admissions = await this.authority.admit(batch);
    for (let i = 0; i < waiting.length; i++) waiting[i]?.(admissions[i] as Admission);
  }
}
