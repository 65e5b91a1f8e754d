/** Where connections may go, by the words of one config: the hosts that upstreams may name, and the addresses that none may have. */
import type { LookupFunction } from 'node:net';
import type { SecurityConfig } from '../contracts/config.ts';
import { compileAllowedHosts } from '../core/allowed-hosts.ts';
import { blockedCode, buildBlockList, isBlockedAddress, isBlockedLiteral } from '../core/blocked-addresses.ts';
import { createNameResolver, lookupBy } from './resolve-name.ts';

/** Null: may be connected to. */
export type Objection = NodeJS.ErrnoException | null;

export interface AddressPolicy {
  /** Two policies with one identity judge alike. */
  readonly identity: string;
  /** Asked before anything else happens: names only by the list of hosts, addresses also by what they are. */
  readonly refuseHost: (hostname: string) => Objection;
  readonly refuseAddress: (address: string) => Objection;
  /** A resolver for single questions, without what may not be connected to. */
  readonly lookup: LookupFunction;
}

/** `dnsServers`: asked instead of the system; empty: the system. */
export function compileAddressPolicy(
  { allowedHosts, blockedIPs }: Pick<SecurityConfig, 'allowedHosts' | 'blockedIPs'>,
  dnsServers: readonly string[] = [],
): AddressPolicy {
  const allows = compileAllowedHosts(allowedHosts);
  const list = buildBlockList(blockedIPs);
  const refuseAddress = (address: string): Objection =>
    isBlockedAddress(address, list) ? objectTo(`${address} is an address that must not be reached`) : null;
  const refuseHost = (hostname: string): Objection => {
    if (!allows(hostname)) return objectTo(`the host ${hostname} is not in security.allowedHosts`);
    // node asks no resolver about these, so that they are judged here.
    return isBlockedLiteral(hostname, list) ? refuseAddress(hostname) : null;
  };
  return {
    identity: JSON.stringify([allowedHosts, blockedIPs]),
    refuseHost,
    refuseAddress,
    lookup: guardLookup(lookupBy(createNameResolver(dnsServers)), refuseAddress),
  };
}

/**
 * What the resolver says, without the addresses that are refused; an error when none is left. node connects to an
 * address of this very answer, so that a second answer can't slip in between (DNS rebinding).
 */
export function guardLookup(lookup: LookupFunction, refuseAddress: (address: string) => Objection): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, answer) => {
      if (error !== null) {
        callback(error, []);
        return;
      }
      const addresses = Array.isArray(answer) ? answer : [];
      const passed = addresses.filter(({ address }) => refuseAddress(address) === null);
      const [first] = passed;
      if (first === undefined) {
        const shown = addresses.map(({ address }) => address).join(', ');
        callback(objectTo(`${hostname} resolves to ${shown}, which must not be reached`), []);
      } else if (options.all === true) callback(null, passed);
      else callback(null, first.address, first.family);
    });
  };
}

function objectTo(what: string): NodeJS.ErrnoException {
  return Object.assign(new Error(what), { code: blockedCode });
}
