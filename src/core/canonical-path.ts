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
  return isPlain ? { path, forward: path, others: noOthers } : readSegments(path);
}

/**
 * One segment in canonical form; `null` when an escape is broken or stands for NUL. Octets outside the unreserved set
 * stay escaped: decoding them could make structure out of data.
 */
export function canonicalizeSegment(segment: string): string | null {
  let at = segment.indexOf('%');
  if (at === -1) return segment;
  let canonical = '';
  let copied = 0;
  for (; at !== -1; at = segment.indexOf('%', at + 3)) {
    const high = hexDigit(segment.charCodeAt(at + 1));
    const low = hexDigit(segment.charCodeAt(at + 2));
    if (high === -1 || low === -1) return null;
    const octet = high * 16 + low;
    if (octet === 0) return null;
    canonical += segment.slice(copied, at);
    canonical += isUnreserved(octet) ? String.fromCharCode(octet) : segment.slice(at, at + 3).toUpperCase();
    copied = at + 3;
  }
  return canonical + segment.slice(copied);
}

export function isDotSegment(segment: string): boolean {
  return segment === '.' || segment === '..';
}

function readSegments(sent: string): CanonicalPath | null {
  const sentSegments = sent.slice(1).split('/');
  const segments: string[] = [];
  for (const segment of sentSegments) {
    const canonical = canonicalizeSegment(segment);
    if (canonical === null || hidesDotSegment(canonical)) return null;
    segments.push(canonical);
  }
  const kept = keptSegments(segments);
  if (kept === null) return null;
  const path = join(segments, kept);
  const others = readOtherwise(segments, path);
  if (others === null) return null;
  return { path, forward: join(sentSegments, kept), others };
}

/** True for `..%2Fa` and the like: one segment to us, a dot segment and more to a server that decodes before it splits. */
function hidesDotSegment(segment: string): boolean {
  if (!segment.includes('%2F') && !segment.includes('%5C')) return false;
  return decodeSlashes(segment, true, true).split('/').some(isDotSegment);
}

/**
 * Which segments are left when dot segments are resolved (RFC 3986, section 5.2.4); -1 stands for the empty segment
 * that a final dot segment leaves behind. `null`: it climbs above "/". An empty segment counts as one to climb out of.
 */
function keptSegments(segments: readonly string[]): number[] | null {
  const kept: number[] = [];
  const last = segments.length - 1;
  for (let i = 0; i <= last; i++) {
    const segment = segments[i] as string;
    if (!isDotSegment(segment)) {
      kept.push(i);
      continue;
    }
    if (segment === '..' && kept.pop() === undefined) return null;
    if (i === last) kept.push(-1);
  }
  return kept;
}

function join(segments: readonly string[], kept: readonly number[]): string {
  let path = '';
  for (const i of kept) path += i === -1 ? '/' : `/${segments[i] as string}`;
  return path;
}

/**
 * Every other reading of the path, each mix included: a server may merge empty segments and leave `%2F` alone, or the
 * reverse. `null`: in one of them the path climbs above "/".
 */
function readOtherwise(segments: readonly string[], canonical: string): readonly string[] | null {
  const text = segments.join('/');
  const slashes = text.includes('%2F') ? eitherWay : oneWay;
  const backslashes = text.includes('%5C') ? eitherWay : oneWay;
  // Decoding can make empty segments where there were none (`a/%2Fb`).
  const merges = slashes === eitherWay || backslashes === eitherWay || hasEmptySegment(segments) ? eitherWay : oneWay;
  if (merges === oneWay) return noOthers;

  const others = new Set<string>();
  for (const decodeSlash of slashes) {
    for (const decodeBackslash of backslashes) {
      const read = decodeSlashes(text, decodeSlash, decodeBackslash).split('/');
      for (const merge of merges) {
        const merged = merge ? mergeEmptySegments(read) : read;
        const kept = keptSegments(merged);
        if (kept === null) return null;
        others.add(join(merged, kept));
      }
    }
  }
  others.delete(canonical);
  return others.size === 0 ? noOthers : [...others];
}

function decodeSlashes(text: string, decodeSlash: boolean, decodeBackslash: boolean): string {
  const slashed = decodeSlash ? text.replaceAll('%2F', '/') : text;
  return decodeBackslash ? slashed.replaceAll('%5C', '/') : slashed;
}

/** The last segment may be empty: that is a trailing slash. */
function hasEmptySegment(segments: readonly string[]): boolean {
  const at = segments.indexOf('');
  return at !== -1 && at < segments.length - 1;
}

function mergeEmptySegments(segments: readonly string[]): readonly string[] {
  if (!hasEmptySegment(segments)) return segments;
  const last = segments.length - 1;
  return segments.filter((segment, i) => segment !== '' || i === last);
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

const slash = 47;
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
