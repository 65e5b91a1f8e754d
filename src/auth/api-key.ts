/** API keys: a client is who holds a key whose digest the config has. */
import { timingSafeEqual } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { Authenticator, CredentialFailure } from '../contracts/auth.ts';
import type { ApiKeyAuthConfig } from '../contracts/config.ts';
import type { Exchange } from '../contracts/exchange.ts';
import { credentialRefusals } from './credential-refusals.ts';
import { createKeyDigest, type KeyDigest, maxKeyBytes } from './key-digest.ts';

/** In slices, so that requests go on while 100,000 keys are taken up. */
export async function compileApiKey(config: ApiKeyAuthConfig): Promise<Authenticator> {
  const clients = new Map<string, Client>();
  for (const [i, { key, name }] of config.keys.entries()) {
    if (i % keysPerSlice === keysPerSlice - 1) await setImmediate();
    // What is no digest can't match; `check` has warned. Of one that is there twice the first counts.
    if (/^[0-9a-f]{64}$/.test(key) && !clients.has(key)) clients.set(key, { digest: key, name });
  }
  return new ApiKeyAuthenticator(config.header, createKeyDigest(config.secret), clients);
}

/** About a millisecond. */
const keysPerSlice = 500;

interface Client {
  readonly digest: string;
  readonly name: string;
}

class ApiKeyAuthenticator implements Authenticator {
  readonly field: string;
  readonly refusals: Authenticator['refusals'];
  readonly #digestOf: KeyDigest;
  /** By digest: what a lookup costs does not grow with their number. */
  readonly #clients: ReadonlyMap<string, Client>;
  readonly #shown = Buffer.alloc(32);
  readonly #known = Buffer.alloc(32);

  constructor(header: string, digestOf: KeyDigest, clients: ReadonlyMap<string, Client>) {
    this.field = header.toLowerCase();
    this.refusals = credentialRefusals(`ApiKey realm="sluice", header="${header}"`, {
      missing: `this route wants an API key in the field ${header}`,
      empty: `the field ${header} is empty; it must hold an API key`,
      repeated: `the field ${header} is there more than once`,
      unknown: 'the API key is not known here',
    });
    this.#digestOf = digestOf;
    this.#clients = clients;
  }

  authenticate(x: Exchange): CredentialFailure | null {
    const raw = x.head.rawHeaders;
    const { field } = this;
    let key: string | null = null;
    for (let i = 0; i < raw.length; i += 2) {
      const name = raw[i] as string;
      if (name.length !== field.length || name.toLowerCase() !== field) continue;
      // Whichever of the two counted, someone behind or before might count the other.
      if (key !== null) return 'repeated';
      key = raw[i + 1] as string;
    }
    if (key === null) return 'missing';
    if (key === '') return 'empty';
    const client = this.#find(key);
    if (client === null) return 'unknown';
    x.consumer = client.name;
    return null;
  }

  /**
   * The time that the map takes may tell how far a digest agrees with a known one. That helps nobody: under a secret no
   * client can tell what digest its guess will have, so it can't approach one step by step; and whoever knew a whole
   * digest would have no key, since a digest can't be reversed. The comparison itself is in constant time.
   */
  #find(key: string): Client | null {
    if (key.length > maxKeyBytes) return null;
    const digest = this.#digestOf(key);
    const client = this.#clients.get(digest);
    if (client === undefined) return null;
    this.#shown.write(digest, 'hex');
    this.#known.write(client.digest, 'hex');
    return timingSafeEqual(this.#shown, this.#known) ? client : null;
  }
}
