/**
 * HTTP/1.1 messages read from raw bytes, more strictly than any real peer would: what a lenient parser lets pass is
 * exactly what the tests look for. Text is latin1, so that every byte is one character.
 */

export type Field = readonly [name: string, value: string];

export interface Head {
  readonly startLine: string;
  /** In order, case kept. */
  readonly fields: readonly Field[];
  /** Where the body begins. */
  readonly bodyAt: number;
}

export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'until close' };

export interface Body {
  readonly bytes: Buffer;
  readonly trailers: readonly Field[];
  /** Where the next message begins. */
  readonly end: number;
  /** False: more is to come. A body that lasts until the connection closes is never complete here. */
  readonly complete: boolean;
}

/** The bytes are no HTTP message. */
export class MalformedMessage extends Error {}

/** The head that begins at `from`; null: more is to come. */
export function readHead(bytes: Buffer, from: number): Head | null {
  const end = bytes.indexOf('\r\n\r\n', from, 'latin1');
  if (end < 0) return null;
  const [startLine = '', ...fieldLines] = bytes.toString('latin1', from, end).split('\r\n');
  return { startLine: checkText(startLine), fields: fieldLines.map(readField), bodyAt: end + 4 };
}

/** As much of the body as has come. */
export function readBody(bytes: Buffer, at: number, framing: Framing): Body {
  switch (framing.kind) {
    case 'none':
      return { bytes: bytes.subarray(at, at), trailers: [], end: at, complete: true };
    case 'length': {
      const end = Math.min(at + framing.length, bytes.length);
      return { bytes: bytes.subarray(at, end), trailers: [], end, complete: end === at + framing.length };
    }
    case 'chunked':
      return readChunks(bytes, at);
    case 'until close':
      return { bytes: bytes.subarray(at), trailers: [], end: bytes.length, complete: false };
  }
}

/** RFC 9112, section 6.3, for a request; whatever leaves a doubt is an error. */
export function requestFraming(fields: readonly Field[]): Framing {
  return framingOf(fields) ?? { kind: 'none' };
}

/** RFC 9112, section 6.3, for a response to a request of this method. */
export function responseFraming(method: string, status: number, fields: readonly Field[]): Framing {
  const declared = framingOf(fields);
  if (status < 200 || status === 204) {
    if (declared !== null) throw new MalformedMessage(`a ${status} with ${declared.kind} framing`);
    return { kind: 'none' };
  }
  if (method === 'HEAD' || status === 304) return { kind: 'none' };
  return declared ?? { kind: 'until close' };
}

/** Every value of a field, in order. */
export function valuesOf(fields: readonly Field[], name: string): string[] {
  const wanted = name.toLowerCase();
  return fields.filter(([fieldName]) => fieldName.toLowerCase() === wanted).map(([, value]) => value);
}

function framingOf(fields: readonly Field[]): Framing | null {
  const lengths = valuesOf(fields, 'content-length');
  const codings = valuesOf(fields, 'transfer-encoding');
  if (codings.length > 0) {
    if (lengths.length > 0) throw new MalformedMessage('both Content-Length and Transfer-Encoding');
    if (codings.join('|').toLowerCase() !== 'chunked')
      throw new MalformedMessage(`Transfer-Encoding: ${codings.join(', ')}`);
    return { kind: 'chunked' };
  }
  if (lengths.length === 0) return null;
  const [length = ''] = lengths;
  if (lengths.length > 1 || !/^(0|[1-9][0-9]{0,14})$/.test(length)) {
    throw new MalformedMessage(`Content-Length: ${lengths.join(', ')}`);
  }
  return { kind: 'length', length: Number(length) };
}

function readChunks(bytes: Buffer, at: number): Body {
  const chunks: Buffer[] = [];
  const unfinished = (end: number): Body => ({ bytes: Buffer.concat(chunks), trailers: [], end, complete: false });
  let position = at;
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', position, 'latin1');
    if (lineEnd < 0) return unfinished(position);
    const line = bytes.toString('latin1', position, lineEnd);
    if (!/^[0-9a-fA-F]{1,12}$/.test(line)) throw new MalformedMessage(`chunk size ${JSON.stringify(line)}`);
    const size = Number.parseInt(line, 16);
    if (size === 0) return readTrailers(bytes, lineEnd, Buffer.concat(chunks));
    const dataAt = lineEnd + 2;
    const dataEnd = dataAt + size;
    chunks.push(bytes.subarray(dataAt, dataEnd));
    if (bytes.length < dataEnd + 2) return unfinished(bytes.length);
    if (bytes.toString('latin1', dataEnd, dataEnd + 2) !== '\r\n')
      throw new MalformedMessage('chunk data without its CRLF');
    position = dataEnd + 2;
  }
}

function readTrailers(bytes: Buffer, lineEnd: number, body: Buffer): Body {
  const end = bytes.indexOf('\r\n\r\n', lineEnd, 'latin1');
  if (end < 0) return { bytes: body, trailers: [], end: bytes.length, complete: false };
  const text = end === lineEnd ? '' : bytes.toString('latin1', lineEnd + 2, end);
  const trailers = text === '' ? [] : text.split('\r\n').map(readField);
  return { bytes: body, trailers, end: end + 4, complete: true };
}

function readField(line: string): Field {
  const name = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+(?=:)/.exec(checkText(line))?.[0];
  if (name === undefined) throw new MalformedMessage(`field line ${JSON.stringify(line)}`);
  // By steps: a pattern for space at both ends takes forever where there is much of it between.
  let start = name.length + 1;
  let end = line.length;
  while (start < end && isSpace(line.charCodeAt(start))) start++;
  while (end > start && isSpace(line.charCodeAt(end - 1))) end--;
  return [name, line.slice(start, end)];
}

function isSpace(code: number): boolean {
  return code === 32 || code === 9;
}

function checkText(line: string): string {
  for (let i = 0; i < line.length; i++) {
    const code = line.charCodeAt(i);
    if ((code < 32 && code !== 9) || code === 127)
      throw new MalformedMessage(`control character in ${JSON.stringify(line)}`);
  }
  return line;
}
