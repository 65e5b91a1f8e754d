/** security.allowedHosts: which hosts an upstream's url may name. */

/** For hosts as `new URL()` gives them, IPv6 with or without brackets. Of an empty list come all: those named in upstreams. */
export function compileAllowedHosts(patterns: readonly string[]): (hostname: string) => boolean {
  if (patterns.length === 0) return () => true;
  const exact = new Set<string>();
  const suffixes: string[] = [];
  for (const pattern of patterns) {
    const host = withoutFinalDot(pattern.toLowerCase());
    if (host.startsWith('*.')) suffixes.push(host.slice(1));
    else exact.add(host).add(asInUrl(host));
  }
  return (hostname) => {
    const host = bracketed(withoutFinalDot(hostname.toLowerCase()));
    return exact.has(host) || suffixes.some((suffix) => host.endsWith(suffix) && host.length > suffix.length);
  };
}

/** Addresses have many spellings, and a url only one. */
function asInUrl(host: string): string {
  return URL.parse(`http://${bracketed(host)}`)?.hostname ?? host;
}

function bracketed(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}

function withoutFinalDot(host: string): string {
  return host.endsWith('.') ? host.slice(0, -1) : host;
}
