/**
 * The path to send upstream where it is not the client's own: a prefix taken off, or a template filled in. What a
 * client sent keeps its bytes: a captured value is a whole segment (or several) of the forwarded path, whose dot
 * segments are resolved, so that no escape turns into structure here.
 */
import type { PathRewrite } from '../contracts/compiled.ts';
import { canonicalizeEscapes } from '../core/canonical-path.ts';
import { canonicalLiteral, type PathPattern, parseParamName, parsePathPattern } from './pattern.ts';

/** `null`: the path goes as it is. Throws an Error that says what to write instead. */
export function compileRewrite(
  pattern: PathPattern,
  stripPrefix: string | null,
  rewrite: string | null,
): PathRewrite | null {
  if (rewrite !== null && stripPrefix !== null) {
    throw new Error('can\'t go with stripPrefix: put what is left of the path into "rewrite"');
  }
  if (rewrite !== null) return compileTemplate(pattern, rewrite);
  return stripPrefix === null ? null : compileStrip(stripPrefix);
}

function compileStrip(stripPrefix: string): PathRewrite | null {
  const prefix = stripPrefix.length > 1 && stripPrefix.endsWith('/') ? stripPrefix.slice(0, -1) : stripPrefix;
  if (prefix === '/') return null;
  const { segments, hasWildcard } = parsePathPattern(prefix);
  if (hasWildcard) throw new Error('must not end in "*": write "/api" to take "/api" off');
  const literals = segments.map((segment) => {
    if (segment.kind === 'param') throw new Error(`must not hold the parameter ":${segment.name}": use rewrite`);
    return segment.text;
  });
  return (forwardPath) => stripSegments(forwardPath, literals);
}

/** Leaves the path alone when it does not begin with these segments, as the routes of a wide pattern may. */
function stripSegments(path: string, literals: readonly string[]): string {
  let at = 0;
  for (const literal of literals) {
    if (at === path.length) return path;
    const end = segmentEnd(path, at);
    const sent = path.slice(at + 1, end);
    // The client may have escaped what the config has not: `/%61pi` is `/api`.
    if (sent !== literal && canonicalizeEscapes(sent) !== literal) return path;
    at = end;
  }
  return asPath(path.slice(at));
}

type Part =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'segment'; readonly index: number }
  | { readonly kind: 'rest' };

function compileTemplate(pattern: PathPattern, rewrite: string): PathRewrite {
  if (!rewrite.startsWith('/')) throw new Error('must start with "/", as in "/v2/*"');
  const parts = joinLiterals(
    rewrite
      .slice(1)
      .split('/')
      .map((word) => parsePart(pattern, word)),
  );
  const only = parts[0];
  if (parts.length === 1 && only?.kind === 'literal') {
    const path = asPath(only.text);
    return () => path;
  }
  return (forwardPath) => fillTemplate(parts, forwardPath, pattern.segments.length);
}

function parsePart(pattern: PathPattern, word: string): Part {
  if (word === '*') {
    if (!pattern.hasWildcard) throw new Error('holds "*", but the path has none');
    return { kind: 'rest' };
  }
  if (word.includes('*')) throw new Error('may hold "*" only as a whole segment, as in "/v2/*"');
  if (word.startsWith(':')) return { kind: 'segment', index: segmentIndex(pattern, parseParamName(word)) };
  return { kind: 'literal', text: `/${word === '' ? '' : canonicalLiteral(word)}` };
}

function segmentIndex(pattern: PathPattern, name: string): number {
  const index = pattern.segments.findIndex((segment) => segment.kind === 'param' && segment.name === name);
  if (index !== -1) return index;
  const known = pattern.params.map((param) => `":${param}"`).join(', ');
  throw new Error(`holds ":${name}", but the path has ${known === '' ? 'no parameters' : `only ${known}`}`);
}

function joinLiterals(parts: readonly Part[]): Part[] {
  const joined: Part[] = [];
  for (const part of parts) {
    const before = joined.at(-1);
    if (part.kind === 'literal' && before?.kind === 'literal') {
      joined[joined.length - 1] = { kind: 'literal', text: before.text + part.text };
    } else {
      joined.push(part);
    }
  }
  return joined;
}

function fillTemplate(parts: readonly Part[], path: string, restIndex: number): string {
  let filled = '';
  for (const part of parts) {
    if (part.kind === 'literal') filled += part.text;
    else if (part.kind === 'segment') filled += segmentAt(path, part.index);
    else filled += restFrom(path, restIndex);
  }
  return asPath(filled);
}

/** With its slash. */
function segmentAt(path: string, index: number): string {
  const at = segmentStart(path, index);
  return path.slice(at, segmentEnd(path, at));
}

/**
 * What "*" stands for, with its slash: for `/api/*` that is `/users` of `/api/users`, `/` of `/api/` and nothing of
 * `/api`, so that a trailing slash arrives upstream exactly when the client sent one.
 */
function restFrom(path: string, index: number): string {
  return path.slice(segmentStart(path, index));
}

function segmentStart(path: string, index: number): number {
  let at = 0;
  for (let i = 0; i < index && at < path.length; i++) at = segmentEnd(path, at);
  return at;
}

function segmentEnd(path: string, at: number): number {
  const end = path.indexOf('/', at + 1);
  return end === -1 ? path.length : end;
}

/** Never empty, and never with two leading slashes, which many take for the start of a host name. */
function asPath(text: string): string {
  if (text === '') return '/';
  let start = 0;
  while (text.charCodeAt(start + 1) === slash) start++;
  return start === 0 ? text : text.slice(start);
}

const slash = 47;
