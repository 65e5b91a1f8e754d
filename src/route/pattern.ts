/** A route's path as written in the config: literals, ":name" parameters, and a trailing "*" for everything below. */
import { canonicalizeEscapes, isDotSegment } from '../core/canonical-path.ts';

export interface PathPattern {
  readonly segments: readonly PatternSegment[];
  /** Names of the parameters, in order. */
  readonly params: readonly string[];
  /** The path ends in "*", which is no segment: `/api/*` has one segment and also matches `/api`. */
  readonly hasWildcard: boolean;
}

export type PatternSegment =
  /** In canonical form. */
  { readonly kind: 'literal'; readonly text: string } | { readonly kind: 'param'; readonly name: string };

/** Throws an Error that says what to write instead. Letters beyond ASCII may be written as they are: `/café`. */
export function parsePathPattern(path: string): PathPattern {
  if (!path.startsWith('/')) throw new Error('must start with "/", as in "/api/*"');
  const words = path.slice(1).split('/');
  const hasWildcard = words.at(-1) === '*';
  if (hasWildcard) words.pop();
  const segments = words.map(parseSegment);
  // Every reading of "//" that merges it misses the route, so such a request is always refused as ambiguous.
  if (words.slice(0, hasWildcard ? undefined : -1).includes('')) {
    throw new Error('must not hold an empty segment ("//"): no request is matched on one');
  }
  return { segments, params: paramNames(segments), hasWildcard };
}

/** Escapes what a client must escape, and refuses text that no canonical path holds. */
export function canonicalLiteral(text: string): string {
  if (text.includes('?')) throw new Error('must not hold "?": routes are matched on the path, without the query');
  if (text.includes('#')) throw new Error('must not hold "#": clients never send a fragment');
  if (text.includes('\\')) throw new Error('must not hold a backslash: requests with one are refused');
  if (/[\0- \x7f]/.test(text)) throw new Error('must not hold spaces or control characters: write a space as "%20"');
  const unsafe = /["<>^`{|}]/.exec(text);
  if (unsafe !== null) {
    const code = unsafe[0].charCodeAt(0).toString(16).toUpperCase();
    const hint = unsafe[0] === '{' ? ', or a parameter as ":name"' : '';
    throw new Error(`must not hold a raw ${unsafe[0]}: write it as "%${code}"${hint}`);
  }
  const escaped = text.replace(/[^\0-\x7f]+/g, escapeLetters);
  const canonical = canonicalizeEscapes(escaped);
  if (canonical === null) throw new Error(`holds an escape that is broken or stands for NUL: "${text}"`);
  if (isDotSegment(canonical)) throw new Error(`must not hold the dot segment "${text}": requests are matched without`);
  if (canonical !== escaped) throw new Error(`is matched in canonical form: write "${canonical}" instead of "${text}"`);
  if (canonical.includes('%2F') || canonical.includes('%5C')) {
    throw new Error(`must not hold an encoded slash or backslash ("${text}"): no request is matched on one`);
  }
  return canonical;
}

function parseSegment(word: string): PatternSegment {
  if (word.startsWith(':')) return { kind: 'param', name: parseParamName(word) };
  if (word.includes('*')) throw new Error('may hold "*" only as its whole last segment, as in "/files/*"');
  return { kind: 'literal', text: canonicalLiteral(word) };
}

/** `word` with its colon; a rewrite names parameters the same way. */
export function parseParamName(word: string): string {
  if (!/^:[A-Za-z_][A-Za-z0-9_]*$/.test(word)) {
    throw new Error(
      `holds "${word}", which is no parameter: ":" and a name of letters, digits and "_", alone in its segment`,
    );
  }
  return word.slice(1);
}

function paramNames(segments: readonly PatternSegment[]): string[] {
  const names: string[] = [];
  for (const segment of segments) {
    if (segment.kind !== 'param') continue;
    if (names.includes(segment.name)) throw new Error(`names the parameter ":${segment.name}" twice`);
    names.push(segment.name);
  }
  return names;
}

function escapeLetters(letters: string): string {
  if (!letters.isWellFormed()) throw new Error('holds half of a surrogate pair, which no client can send');
  return encodeURIComponent(letters);
}
