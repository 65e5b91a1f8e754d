/** What health checks say of a target: so many answers in a row that disagree change the verdict. */
import type { HealthCheckConfig } from '../contracts/config.ts';

export class CheckTally {
  #isHealthy = true;
  /** Answers in a row that disagree with the verdict. */
  #against = 0;

  /** Well until the checks say otherwise: a gateway that starts has no reason yet to refuse requests. */
  get isHealthy(): boolean {
    return this.#isHealthy;
  }

  note(isGood: boolean, { healthy, unhealthy }: Pick<HealthCheckConfig, 'healthy' | 'unhealthy'>): void {
    this.#against = isGood === this.#isHealthy ? 0 : this.#against + 1;
    if (this.#against < (isGood ? healthy : unhealthy)) return;
    this.#isHealthy = isGood;
    this.#against = 0;
  }
}
