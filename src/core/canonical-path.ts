/**
 * The canonical form of a request path: what routes are matched on, what is sent upstream, and how else somebody
 * could read the same bytes. Runs once per request, before anything else looks at the path.
 */

export interface CanonicalPath {
  /** For matching: unreserved escapes decoded, the digits of the others upper case, dot segments resolved. */
  readonly path: string;
  /** For forwarding: byte for byte as sent, except that dot segments are resolved. As many segments as `path` has. */
  readonly forward: string;
  /**
   * `path` as servers read it that take `%2F` or `%5C` for a slash, or merge empty segments. Empty for nearly every
   * request. A route must be chosen by all readings or by none (see src/route/find.ts).
   */
  readonly others: readonly string[];
}

/**
 * `path` is the target up to "?". `null`: refuse with 400, since the path is malformed (a broken escape, `%00`, a raw
 * backslash, "#", a control or 8-bit character, no leading "/"), climbs above "/", or hides a dot segment behind an
 * encoded slash or backslash.
 */
export function canonicalizePath(path: string): CanonicalPath | null {
  const length = path.length;
  if (length === 0 || path.charCodeAt(0) !== slash) return null;
  let isPlain = true;
  for (let i = 1; i < length; i++) {
    const code = path.charCodeAt(i);
    const kind = code < 128 ? (kinds[code] as number) : forbidden;
    if (kind === plain) continue;
    if (kind === forbidden) return null;
    // A slash matters behind a slash, a dot at the start of a segment; an escape always does.
    if (kind === escape || path.charCodeAt(i - 1) === slash) isPlain = false;
  }
  return isPlain ? { path, forward: path, others: noOthers } : readEscapesAndDots(path);
}

/**
 * Text with its escapes in canonical form; `null` when one is broken or stands for NUL. Octets outside the unreserved
 * set stay escaped: decoding them could make structure out of data.
 */
export function canonicalizeEscapes(text: string): string | null {
  let at = text.indexOf('%');
  if (at === -1) return text;
  let canonical = '';
  let copied = 0;
  for (; at !== -1; at = text.indexOf('%', copied)) {
    const high = hexDigit(text.charCodeAt(at + 1));
    const low = hexDigit(text.charCodeAt(at + 2));
    if (high === -1 || low === -1) return null;
    const octet = high * 16 + low;
    if (octet === 0) return null;
    if (at > copied) canonical += text.slice(copied, at);
    canonical += canonicalOctets[octet] as string;
    copied = at + 3;
  }
  return canonical + text.slice(copied);
}

export function isDotSegment(segment: string): boolean {
  return segment === '.' || segment === '..';
}

function readEscapesAndDots(sent: string): CanonicalPath | null {
  const text = canonicalizeEscapes(sent);
  if (text === null || hidesDotSegment(text)) return null;
  const path = resolveDots(text, text);
  const forward = resolveDots(text, sent);
  if (path === null || forward === null) return null;
  const others = new Set<string>();
  // As sent, and as it is forwarded: of `/%2Fadmin/%2F/..` an upstream gets `/%2Fadmin/`, which only then can be `/admin/`.
  if (!readOtherwise(text, others) || (path !== text && !readOtherwise(path, others))) return null;
  others.delete(path);
  return { path, forward, others: others.size === 0 ? noOthers : [...others] };
}

/** True for `..%2Fa` and the like: one segment to us, a dot segment and more to a server that decodes before it splits. */
function hidesDotSegment(text: string): boolean {
  const decoded = decodeSlashes(text, true, true);
  if (decoded === text || !hasDotSegment(decoded)) return false;
  if (!hasDotSegment(text)) return true;
  return text
    .split('/')
    .some((segment) => !isDotSegment(segment) && hasDotSegment(`/${decodeSlashes(segment, true, true)}`));
}

function hasDotSegment(text: string): boolean {
  for (let at = text.indexOf('/.'); at !== -1; at = text.indexOf('/.', at + 2)) {
    const end = text.charCodeAt(at + 2) === dot ? at + 3 : at + 2;
    if (end === text.length || text.charCodeAt(end) === slash) return true;
  }
  return false;
}

/**
 * `spelling` without the segments that resolving the dot segments of `text` takes away (RFC 3986, section 5.2.4): both
 * are the same path, segment by segment. `null`: it climbs above "/". An empty segment counts as one to climb out of.
 */
function resolveDots(text: string, spelling: string): string | null {
  if (!hasDotSegment(text)) return spelling;
  const segments = text.split('/');
  const spelt = spelling.split('/');
  const last = segments.length - 1;
  const kept: string[] = [];
  for (let i = 1; i <= last; i++) {
    const segment = segments[i] as string;
    if (!isDotSegment(segment)) {
      kept.push(spelt[i] as string);
      continue;
    }
    if (segment === '..' && kept.pop() === undefined) return null;
    // A final dot segment leaves its slash behind.
    if (i === last) kept.push('');
  }
  return `/${kept.join('/')}`;
}

/**
 * Adds every reading of the path, each mix included: a server may merge empty segments and leave `%2F` alone, or the
 * reverse. False: in one of them the path climbs above "/".
 */
function readOtherwise(text: string, readings: Set<string>): boolean {
  const slashes = text.includes('%2F') ? eitherWay : oneWay;
  const backslashes = text.includes('%5C') ? eitherWay : oneWay;
  if (slashes === oneWay && backslashes === oneWay && !text.includes('//')) return true;

  for (const decodeSlash of slashes) {
    for (const decodeBackslash of backslashes) {
      const decoded = decodeSlashes(text, decodeSlash, decodeBackslash);
      for (const read of [decoded, mergeEmptySegments(decoded)]) {
        const path = resolveDots(read, read);
        if (path === null) return false;
        readings.add(path);
      }
    }
  }
  return true;
}

function decodeSlashes(text: string, decodeSlash: boolean, decodeBackslash: boolean): string {
  const slashed = decodeSlash && text.includes('%2F') ? text.replaceAll('%2F', '/') : text;
  return decodeBackslash && slashed.includes('%5C') ? slashed.replaceAll('%5C', '/') : slashed;
}

function mergeEmptySegments(text: string): string {
  return text.includes('//') ? text.replace(/\/{2,}/g, '/') : text;
}

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const lower = code | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

/** RFC 3986, section 2.3. */
function isUnreserved(octet: number): boolean {
  const lower = octet | 32;
  if ((lower >= 97 && lower <= 122) || (octet >= 48 && octet <= 57)) return true;
  return octet === 45 || octet === 46 || octet === 95 || octet === 126;
}

/** What the canonical form says for each escaped octet. */
const canonicalOctets: readonly string[] = Array.from({ length: 256 }, (_, octet) =>
  isUnreserved(octet) ? String.fromCharCode(octet) : `%${octet.toString(16).toUpperCase().padStart(2, '0')}`,
);

const slash = 47;
const dot = 46;
const noOthers: readonly string[] = [];
const oneWay: readonly boolean[] = [false];
const eitherWay: readonly boolean[] = [false, true];

const plain = 0;
const afterSlash = 1;
const escape = 2;
const forbidden = 3;
const kinds = classifyCharacters();

function classifyCharacters(): Uint8Array {
  const table = new Uint8Array(128);
  table.fill(forbidden, 0, 33);
  table[127] = forbidden;
  for (const character of '#?\\') table[character.charCodeAt(0)] = forbidden;
  for (const character of '/.') table[character.charCodeAt(0)] = afterSlash;
  table[37] = escape;
  return table;
}
