/** How many connections each client address has open. IPv6 clients count by their /64. */
import { networkOf } from '../src/core/ip.ts';

export class ConnectionsPerIp {
  /** No entry is 0, so that memory is bounded by the connections that are open. */
  readonly #open = new Map<string, number>();

  /** `ip` as `normalizeIp` gives it; answers how many there are now, this one included. */
  enter(ip: string): number {
    const key = networkOf(ip);
    const count = (this.#open.get(key) ?? 0) + 1;
    this.#open.set(key, count);
    return count;
  }

  leave(ip: string): void {
    const key = networkOf(ip);
    const count = this.#open.get(key) ?? 0;
    if (count <= 1) this.#open.delete(key);
    else this.#open.set(key, count - 1);
  }
}
