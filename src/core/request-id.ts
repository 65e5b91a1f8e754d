/** The id of a request, in every log line and answer: the client's own when it is well formed, else a new one. */
import { createHexSource } from './random-ids.ts';

/** The client's X-Request-Id where it is well formed, else a new id. */
export function takeRequestId(sent: string): string {
  return isWellFormed(sent) ? sent : newRequestId();
}

export function newRequestId(): string {
  return nextHex(32);
}

const nextHex = createHexSource();

/**
 * 1 to 128 visible ASCII characters that mean nothing to logs, shells, pages and field lists: no space, quote, comma,
 * semicolon, backslash or angle bracket. UUIDs, ULIDs and base64 in all its spellings pass.
 */
function isWellFormed(id: string): boolean {
  if (id.length === 0 || id.length > maxLength) return false;
  for (let i = 0; i < id.length; i++) {
    const code = id.charCodeAt(i);
    if (code <= 32 || code >= 127 || refusedCharacters.includes(id.charAt(i))) return false;
  }
  return true;
}

const maxLength = 128;
const refusedCharacters = '"\'`,;\\<>';
