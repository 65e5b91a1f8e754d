/** Content-Encoding: undone for the check alone, and no further than a body may be large. What is passed on stays as sent. */
import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib';
import type { ContentCoding } from '../contracts/body-check.ts';

/** RFC 9110, section 8.4.1, with its older name for gzip. */
const codings: ReadonlyMap<string, ContentCoding> = new Map([
  ['identity', 'identity'],
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['deflate', 'deflate'],
  ['br', 'br'],
  ['zstd', 'zstd'],
]);

/** For Accept-Encoding (RFC 9110, section 12.5.3). */
export const acceptedCodings = 'gzip, deflate, br, zstd';

/** `values`: of every Content-Encoding field. Null: several codings, or one that is not known. */
export function readCoding(values: readonly string[]): ContentCoding | null {
  const [value] = values;
  if (value === undefined) return 'identity';
  return values.length === 1 ? (codings.get(value.toLowerCase()) ?? null) : null;
}

/** Stops at `maxBytes`: a few kilobytes can hold gigabytes. */
export function decode(body: Buffer, coding: ContentCoding, maxBytes: number): Buffer | 'too large' | 'malformed' {
  if (coding === 'identity') return body;
  try {
    // zlib knows no limit of 0.
    const decoded = decoders[coding](body, {
      maxOutputLength: Math.max(maxBytes, 1),
      info: true,
    }) as unknown as Decoded;
    if (decoded.buffer.length > maxBytes) return 'too large';
    // What follows the end could be read by somebody else.
    return decoded.engine.bytesWritten === body.length ? decoded.buffer : 'malformed';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? 'too large' : 'malformed';
  }
}

/** What `info: true` returns; the types do not know. */
interface Decoded {
  readonly buffer: Buffer;
  /** `bytesWritten`: of the input, those that were used. */
  readonly engine: { readonly bytesWritten: number };
}

const decoders: { readonly [C in Exclude<ContentCoding, 'identity'>]: (body: Buffer, options: object) => Buffer } = {
  gzip: gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
};
