/** Which other origins' pages may call a route, told to their browsers (Fetch standard, section 3.2: CORS protocol). */
import type { Cors } from '../contracts/compiled.ts';
import type { CorsConfig } from '../contracts/config.ts';
import { matchesWildcard, parseOriginPattern } from './origin.ts';

/**
 * No origins: none is allowed. No methods: the usual ones. No headers, or "*": those that the browser asks for.
 * Throws an Error about an origin that is none.
 */
export function compileCors(config: CorsConfig): Cors {
  const origins = config.origins.map(parseOriginPattern);
  const isPublic = origins.some(({ kind }) => kind === 'any');
  return isPublic ? compilePublic(config) : compileSelective(config, compileOrigins(origins, config.credentials));
}

/**
 * Any page may read the answer, and none as its visitor: browsers refuse credentials with "*", and to name whoever
 * asks instead would let every page act for its visitor. The answer is the same for all, so caches need no Vary.
 */
function compilePublic(config: CorsConfig): Cors {
  const actual = ['Access-Control-Allow-Origin', '*'];
  const preflightFields = compilePreflight(config);
  return {
    preflight: (_origin, requestedMethod, requestedHeaders) => [
      'Vary',
      requestFields,
      ...actual,
      ...preflightFields(requestedMethod, requestedHeaders),
    ],
    actual: () => actual,
  };
}

/** An origin that is not allowed gets nothing but Vary, and its browser keeps the answer from the page. */
function compileSelective(config: CorsConfig, grantFor: (origin: string) => readonly string[] | null): Cors {
  const preflightFields = compilePreflight(config);
  const refused = ['Vary', `Origin, ${requestFields}`];
  const ungranted = ['Vary', 'Origin'];
  return {
    preflight(origin, requestedMethod, requestedHeaders) {
      const grant = grantFor(origin);
      return grant === null ? refused : [...refused, ...grant, ...preflightFields(requestedMethod, requestedHeaders)];
    },
    actual(origin) {
      const grant = origin === null ? null : grantFor(origin);
      return grant === null ? ungranted : [...ungranted, ...grant];
    },
  };
}

type Origins = readonly ReturnType<typeof parseOriginPattern>[];

function compileOrigins(origins: Origins, credentials: boolean): (origin: string) => readonly string[] | null {
  const exact = new Set(origins.flatMap((pattern) => (pattern.kind === 'exact' ? [pattern.origin] : [])));
  const wildcards = origins.filter((pattern) => pattern.kind === 'wildcard');
  return (origin) => {
    if (!exact.has(origin) && !wildcards.some((pattern) => matchesWildcard(origin, pattern))) return null;
    const grant = ['Access-Control-Allow-Origin', origin];
    if (credentials) grant.push('Access-Control-Allow-Credentials', 'true');
    return grant;
  };
}

function compilePreflight(config: CorsConfig): (requestedMethod: string, requestedHeaders: string) => string[] {
  const methods = fixedList(config.methods.length === 0 ? usualMethods : config.methods);
  const headers = config.headers.length === 0 ? null : fixedList(config.headers);
  const maxAge = String(config.maxAgeSeconds);
  return (requestedMethod, requestedHeaders) => {
    const fields: string[] = [];
    const allowedMethods = methods ?? echo(requestedMethod);
    const allowedHeaders = headers ?? echo(requestedHeaders);
    if (allowedMethods !== '') fields.push('Access-Control-Allow-Methods', allowedMethods);
    if (allowedHeaders !== '') fields.push('Access-Control-Allow-Headers', allowedHeaders);
    fields.push('Access-Control-Max-Age', maxAge);
    return fields;
  };
}

/** `null`: "*" is in the list. Browsers take a "*" in the answer literally when there are credentials, so it is echoed. */
function fixedList(items: readonly string[]): string | null {
  return items.includes('*') ? null : items.join(', ');
}

/** Back to the client goes only what can be a list of names. */
function echo(requested: string): string {
  return requested.length <= longestEcho && /^[\w!#$%&'*+.^`|~-]+([ \t]*,[ \t]*[\w!#$%&'*+.^`|~-]+)*$/.test(requested)
    ? requested
    : '';
}

const longestEcho = 4096;
const requestFields = 'Access-Control-Request-Method, Access-Control-Request-Headers';
const usualMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];
