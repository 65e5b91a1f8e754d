/**
 * Asks for the addresses of a name. By default the system answers, /etc/hosts and search domains included; it does not
 * say how long its answer holds, so DNS is asked for that on the side. Servers named in the config are asked instead of
 * the system, which then answers only for names that they do not have.
 */
import { promises as dns, type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';

export interface Resolved {
  /** At least one, in the order in which they are to be tried. */
  readonly addresses: readonly LookupAddress[];
  /** How long the answer holds, ms; null: nobody says. May take another question. Never rejects. */
  readonly askTtlMs: () => Promise<number | null>;
}

/** Rejects with an error that has node's `code`. */
export type ResolveName = (hostname: string) => Promise<Resolved>;

export function createNameResolver(servers: readonly string[]): ResolveName {
  const resolver = new dns.Resolver({ timeout: 2_000, tries: 2 });
  if (servers.length === 0) return (hostname) => askSystem(hostname, resolver);
  resolver.setServers(servers);
  return async (hostname) =>
    (isLocal(hostname) ? null : await askServers(hostname, resolver)) ?? askSystem(hostname, null);
}

/** For those who make few connections: each waits for an answer of its own. */
export function lookupBy(resolve: ResolveName): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname).then(
      ({ addresses }) => {
        const [first] = addresses as [LookupAddress];
        if (options.all === true) callback(null, [...addresses]);
        else callback(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, []),
    );
  };
}

async function askSystem(hostname: string, hints: dns.Resolver | null): Promise<Resolved> {
  const addresses = await dns.lookup(hostname, { all: true });
  const family = addresses[0]?.family === 6 ? 'resolve6' : 'resolve4';
  const askTtlMs = async (): Promise<number | null> => {
    if (hints === null || isLocal(hostname)) return null;
    return await hints[family](hostname, { ttl: true }).then(shortestTtl, () => null);
  };
  return { addresses, askTtlMs };
}

/** Null: they know of no such name. */
async function askServers(hostname: string, resolver: dns.Resolver): Promise<Resolved | null> {
  const answers = await Promise.allSettled([
    resolver.resolve4(hostname, { ttl: true }),
    resolver.resolve6(hostname, { ttl: true }),
  ]);
  const records = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  if (records.length > 0) {
    const addresses = records.map(({ address }) => ({ address, family: address.includes(':') ? 6 : 4 }));
    const ttlMs = shortestTtl(records);
    return { addresses, askTtlMs: () => Promise.resolve(ttlMs) };
  }
  for (const answer of answers) {
    const failure = answer.status === 'rejected' ? (answer.reason as NodeJS.ErrnoException) : null;
    if (failure !== null && !isNoSuchName(failure.code)) throw failure;
  }
  return null;
}

function shortestTtl(records: readonly { readonly ttl: number }[]): number | null {
  return records.length === 0 ? null : 1_000 * Math.min(...records.map(({ ttl }) => ttl));
}

/** These never go out to a server (RFC 6761, section 6.3). */
function isLocal(hostname: string): boolean {
  return hostname === 'localhost' || hostname.endsWith('.localhost');
}

function isNoSuchName(code: string | undefined): boolean {
  return code === 'ENOTFOUND' || code === 'ENODATA';
}
