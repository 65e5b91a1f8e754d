/**
 * What is kept of an API key: the HMAC-SHA256 of its bytes under the config's secret, or their plain SHA-256 without
 * one, in lower-case hex. Made once for every request that shows a key, so without an object for each.
 */
import { hash } from 'node:crypto';

/** Longer ones are no keys. It bounds what a request can make the gateway hash. */
export const maxKeyBytes = 1024;

/** `key`: one character a byte, as header fields are read; at most `maxKeyBytes` of them. Not reentrant, and need not be. */
export type KeyDigest = (key: string) => string;

export function createKeyDigest(secret: string | null): KeyDigest {
  return secret === null ? createPlainDigest() : createKeyedDigest(Buffer.from(secret));
}

function createPlainDigest(): KeyDigest {
  const text = Buffer.alloc(maxKeyBytes);
  return (key) => hash('sha256', text.subarray(0, writeKey(text, key, 0)), 'hex');
}

/**
 * RFC 2104 over the one-shot hash: node's `createHmac` makes two native objects a call, and takes twice as long
 * (load/micro/auth.ts).
 */
function createKeyedDigest(secret: Buffer): KeyDigest {
  const padded = Buffer.alloc(blockBytes);
  (secret.length > blockBytes ? hash('sha256', secret, 'buffer') : secret).copy(padded);
  const inner = Buffer.alloc(blockBytes + maxKeyBytes);
  const outer = Buffer.alloc(blockBytes + digestBytes);
  for (let i = 0; i < blockBytes; i++) {
    inner[i] = (padded[i] as number) ^ 0x36;
    outer[i] = (padded[i] as number) ^ 0x5c;
  }
  return (key) => {
    const end = writeKey(inner, key, blockBytes);
    outer.write(hash('sha256', inner.subarray(0, end), 'hex'), blockBytes, 'hex');
    return hash('sha256', outer, 'hex');
  };
}

const blockBytes = 64;
const digestBytes = 32;

/** Answers where the key ends. A key that was cut would share its digest with others. */
function writeKey(into: Buffer, key: string, at: number): number {
  if (key.length > maxKeyBytes) throw new RangeError(`a key has at most ${maxKeyBytes} bytes`);
  return at + into.write(key, at, 'latin1');
}
