/** A number for a text, the same in every process and on every node: FNV-1a, then murmur's finish, which spreads similar texts. */

/** 0 to 2^32 - 1. Different seeds give numbers that have nothing to do with each other. Not for secrets. */
export function hashText(text: string, seed = 0): number {
  let hash = (2_166_136_261 ^ seed) | 0;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16_777_619);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
