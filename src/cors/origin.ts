/** Origins that a route's cors may name: exact, "*" for any, or `https://*.example.com` for every host below. */

export type OriginPattern =
  | { readonly kind: 'any' }
  /** As browsers send it: lower case, no default port. The text "null" is the origin of sandboxed and local pages. */
  | { readonly kind: 'exact'; readonly origin: string }
  /** `https://` and `.example.com:8443`. */
  | { readonly kind: 'wildcard'; readonly scheme: string; readonly suffix: string };

/** Throws an Error that says what to write instead. */
export function parseOriginPattern(text: string): OriginPattern {
  if (text === '*') return { kind: 'any' };
  if (text === 'null') return { kind: 'exact', origin: 'null' };
  const [, scheme, authority] = /^([a-z][a-z0-9+.-]*:\/\/)([^/?#@\\\s]+)$/.exec(text.toLowerCase()) ?? [];
  if (scheme === undefined || authority === undefined) {
    throw new Error('must be an origin: scheme, host and perhaps a port, as in "https://app.example.com"');
  }
  const isWildcard = authority.startsWith('*.');
  const host = withoutDefaultPort(scheme, isWildcard ? authority.slice(2) : authority);
  if (!/^([a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(:\d+)?$/.test(host)) {
    throw new Error('may hold "*" only alone or as the whole first label, as in "https://*.example.com"');
  }
  return isWildcard ? { kind: 'wildcard', scheme, suffix: `.${host}` } : { kind: 'exact', origin: scheme + host };
}

/** True when what stands for the "*" is one label or more and nothing else: no "/", no second scheme, no port. */
export function matchesWildcard(origin: string, { scheme, suffix }: { scheme: string; suffix: string }): boolean {
  const end = origin.length - suffix.length;
  if (end <= scheme.length || !origin.startsWith(scheme) || !origin.endsWith(suffix)) return false;
  for (let i = scheme.length; i < end; i++) {
    const code = origin.charCodeAt(i);
    const isLabelCharacter = (code >= 97 && code <= 122) || (code >= 48 && code <= 57) || code === 45 || code === 95;
    if (isLabelCharacter) continue;
    const isInnerDot = code === 46 && i > scheme.length && origin.charCodeAt(i - 1) !== 46 && i < end - 1;
    if (!isInnerDot) return false;
  }
  return true;
}

function withoutDefaultPort(scheme: string, host: string): string {
  if (scheme === 'https://' && host.endsWith(':443')) return host.slice(0, -4);
  if (scheme === 'http://' && host.endsWith(':80')) return host.slice(0, -3);
  return host;
}
