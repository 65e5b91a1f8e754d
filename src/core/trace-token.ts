/** The token that a request shows to be told, in Server-Timing, where its time went. */
import { hash, timingSafeEqual } from 'node:crypto';
import { fieldValues } from './http-fields.ts';

/** Whether a request shows the token in `X-Sluice-Trace`; null: nobody can. How long it takes tells nothing of the token. */
export function compileTraceToken(token: string | null): ((rawHeaders: readonly string[]) => boolean) | null {
  if (token === null) return null;
  const expected = digest(Buffer.from(token));
  return (rawHeaders) => {
    const sent = fieldValues(rawHeaders, 'x-sluice-trace');
    // Fields are read as latin1: one character, one byte.
    return sent.length === 1 && timingSafeEqual(digest(Buffer.from(sent[0] as string, 'latin1')), expected);
  };
}

function digest(bytes: Buffer): Buffer {
  return hash('sha256', bytes, 'buffer');
}
