/**
 * The door that every connection to an upstream goes through: judged when it is made, by its host and by the address
 * it goes to, and again when the config changes its mind. It costs a connection something, and a request nothing.
 */
import type { LookupFunction, Socket } from 'node:net';
import type { Log } from '../contracts/log.ts';
import { blockedCode } from '../core/blocked-addresses.ts';
import { type AddressPolicy, compileAddressPolicy, guardLookup, type Objection } from './address-policy.ts';

export class AddressGuard {
  /** Metadata addresses are refused even before there is a config. */
  #policy: AddressPolicy = compileAddressPolicy({ allowedHosts: [], blockedIPs: [] });
  readonly #log: Pick<Log, 'warn'>;
  /** Every socket on its way to, or at, an upstream, with the host that it was opened for; tunnels too. */
  readonly #open = new Map<Socket, string>();
  /** Upstreams whose last connection was refused. */
  readonly #refused = new Set<string>();

  constructor(log: Pick<Log, 'warn'>) {
    this.#log = log;
  }

  /** Takes up the policy of a new config, and closes what it refuses: idle, busy, tunnels, and those still connecting. */
  enforce(policy: AddressPolicy): void {
    if (policy.identity === this.#policy.identity) return;
    this.#policy = policy;
    let closed = 0;
    for (const [socket, hostname] of this.#open) {
      const objection = this.#judge(hostname, socket);
      if (objection === null) continue;
      socket.destroy(objection);
      closed++;
    }
    if (closed > 0) this.#log.warn({ connections: closed }, 'closed connections to upstreams that are refused now');
  }

  /** Before anything of a connection is begun. */
  refuseHost(hostname: string): Objection {
    return this.#policy.refuseHost(hostname);
  }

  guardLookup(lookup: LookupFunction): LookupFunction {
    return guardLookup(lookup, (address) => this.#policy.refuseAddress(address));
  }

  /** A socket that has begun to connect: from now on until it closes a new config may end it. */
  watch(socket: Socket, hostname: string): void {
    this.#open.set(socket, hostname);
    socket.once('close', () => this.#open.delete(socket));
  }

  /** Once it is connected: the config may have changed on the way. */
  refuseConnected(socket: Socket, hostname: string): Objection {
    return this.#judge(hostname, socket);
  }

  /** How connecting for this upstream went; null: well. Tells the operator once, not for every request. */
  note(upstream: string, error: NodeJS.ErrnoException | null): void {
    if (error === null) {
      this.#refused.delete(upstream);
      return;
    }
    if (error.code !== blockedCode || this.#refused.has(upstream)) return;
    this.#refused.add(upstream);
    this.#log.warn({ upstream, reason: error.message }, 'upstream blocked: its requests get 502 upstream_blocked');
  }

  #judge(hostname: string, socket: Socket): Objection {
    const { remoteAddress } = socket;
    return (
      this.#policy.refuseHost(hostname) ??
      (remoteAddress === undefined ? null : this.#policy.refuseAddress(remoteAddress))
    );
  }
}
