/** How many requests are at each endpoint: what they bring is in memory until they are answered. */
import { AdminError, type Endpoint } from './endpoint.ts';

export class Crowd {
  readonly #present = new Map<Endpoint, number>();

  /** Rejects with 503 when the endpoint has as many as it takes, before anything of the request is read. */
  async letIn<T>(endpoint: Endpoint, serve: () => Promise<T>): Promise<T> {
    const { maxAtOnce = Number.POSITIVE_INFINITY } = endpoint;
    if (this.#countAt(endpoint) >= maxAtOnce) throw crowded;
    this.#present.set(endpoint, this.#countAt(endpoint) + 1);
    try {
      return await serve();
    } finally {
      this.#present.set(endpoint, this.#countAt(endpoint) - 1);
    }
  }

  #countAt(endpoint: Endpoint): number {
    return this.#present.get(endpoint) ?? 0;
  }
}

const crowded = new AdminError({
  status: 503,
  code: 'overloaded',
  detail: 'too many ask for this at the same time; try again',
  headers: ['Retry-After', '1', 'Connection', 'close'],
});
