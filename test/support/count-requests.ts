/**
 * A second opinion on where requests begin and end: RFC 9112 read strictly, in a few lines that share nothing with the
 * gateway or node. What it would not understand ends the count: nothing behind that may be taken for a request.
 */
import { type Field, valuesOf } from './http-bytes.ts';

/** How many requests these bytes hold at most, those whose body is cut or malformed included. Text is latin1. */
export function countRequests(text: string): number {
  let count = 0;
  let at = 0;
  for (;;) {
    while (text[at] === '\r' || text[at] === '\n') at++;
    const end = text.indexOf('\r\n\r\n', at);
    if (end === -1) return count;
    const framing = readFraming(text.slice(at, end));
    if (framing === null) return count;
    count++;
    const bodyAt = end + 4;
    const next = framing === 'chunked' ? endOfChunks(text, bodyAt) : bodyAt + framing;
    if (next === null || next > text.length) return count;
    at = next;
  }
}

/** Length of the body, or `chunked`; null: no request. */
function readFraming(head: string): number | 'chunked' | null {
  const [startLine = '', ...lines] = head.split('\r\n');
  const [, version] = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+ +[!-~]+ +HTTP\/1\.([01])$/.exec(startLine) ?? [];
  if (version === undefined) return null;
  const fields: Field[] = [];
  for (const line of lines) {
    const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t -~\x80-\xff]*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) return null;
    fields.push([name, value.trim()]);
  }
  const codings = valuesOf(fields, 'transfer-encoding');
  const lengths = valuesOf(fields, 'content-length');
  if (codings.length > 0) {
    return codings.join().toLowerCase() === 'chunked' && lengths.length === 0 && version === '1' ? 'chunked' : null;
  }
  if (lengths.length === 0) return 0;
  return lengths.length === 1 && /^\d{1,15}$/.test(lengths[0] ?? '') ? Number(lengths[0]) : null;
}

/** Where the next message begins; null: cut or malformed. */
function endOfChunks(text: string, from: number): number | null {
  let at = from;
  for (;;) {
    const line = /^0*([0-9a-f]{1,8})(?:[ \t]*;[\t -~\x80-\xff]*)?[ \t]*\r\n/i.exec(text.slice(at, at + 4_096));
    if (line === null) return null;
    const size = Number.parseInt(line[1] ?? '', 16);
    at += line[0].length;
    if (size === 0) break;
    if (text.slice(at + size, at + size + 2) !== '\r\n') return null;
    at += size + 2;
  }
  if (text.startsWith('\r\n', at)) return at + 2;
  const end = text.indexOf('\r\n\r\n', at);
  return end === -1 ? null : end + 4;
}
