/** A route's host as written in the config: a name, an address, or "*.suffix" for every name below it. */

export interface HostPattern {
  readonly kind: 'exact' | 'wildcard';
  /** Lower case. Of a wildcard, what follows the "*": `.example.com`. */
  readonly text: string;
}

/** Throws an Error that says what to write instead. */
export function parseHostPattern(host: string): HostPattern {
  const text = withoutFinalDot(host.toLowerCase());
  if (text.includes('://')) throw new Error('must be a host without a scheme, as in "api.example.com"');
  const isWildcard = text.startsWith('*.');
  const name = isWildcard ? text.slice(2) : text;
  if (name.includes('*')) throw new Error('may hold "*" only as its whole first label, as in "*.example.com"');
  if (!isWildcard && /^\[[0-9a-f:.]+\]$/.test(name)) return { kind: 'exact', text };
  if (name.includes(':')) throw new Error('must not name a port: routes are matched on the host alone');
  if (!/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(name)) {
    throw new Error('must be a host name as clients send it, as in "api.example.com" (international names as "xn--…")');
  }
  return isWildcard ? { kind: 'wildcard', text: text.slice(1) } : { kind: 'exact', text };
}

/** `example.com.` is the same host as `example.com`: the dot only says that the name is complete. */
export function withoutFinalDot(host: string): string {
  const last = host.length - 1;
  return last > 0 && host.charCodeAt(last) === 46 ? host.slice(0, last) : host;
}
