/** Random ids in hex, cut from a pool: one call for random bytes serves a hundred requests. */
import { randomFillSync } from 'node:crypto';

/** Answers that many lower-case hex digits, never all zero (which trace ids must not be). At most 64. */
export type HexSource = (digits: number) => string;

export function createHexSource(fill: (bytes: Buffer) => unknown = randomFillSync): HexSource {
  const bytes = Buffer.allocUnsafe(poolBytes);
  let pool = '';
  let at = 0;
  return function nextHex(digits): string {
    if (at + digits > pool.length) {
      fill(bytes);
      pool = bytes.toString('hex');
      at = 0;
    }
    const id = pool.slice(at, at + digits);
    at += digits;
    return isAllZero(id) ? nextHex(digits) : id;
  };
}

/** An id is a slice that keeps its whole pool in memory while it lives, so the pool is small. */
const poolBytes = 2048;

function isAllZero(id: string): boolean {
  for (let i = 0; i < id.length; i++) if (id.charCodeAt(i) !== 48) return false;
  return true;
}
