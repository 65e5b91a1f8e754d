/** Which header fields belong to a connection, to the message's framing, or to the gateway itself. */

/** Fields that end at this hop (RFC 9110, section 7.6.1) or frame the message; those that Connection names come on top. */
export const hopByHopFields: ReadonlySet<string> = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/** Fields that the gateway writes itself towards upstreams; a client's own copies are dropped. */
export const ownedRequestFields: ReadonlySet<string> = new Set([
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-port',
  'forwarded',
  'x-request-id',
  'traceparent',
  'tracestate',
  'x-consumer-name',
  'x-sluice-trace',
]);

/** Appends the lower-case names that a Connection field lists to `names`, which may be null, and returns it. */
export function connectionNames(value: string, names: Set<string> | null): Set<string> | null {
  // Nearly always one of the two options, in one of two spellings.
  if (value === 'keep-alive' || value === 'close' || value === 'Keep-Alive') return names;
  let found = names;
  for (const token of value.split(',')) {
    const name = token.trim().toLowerCase();
    // "close" and "keep-alive" are options, not fields; the fixed ones are dropped anyway.
    if (name === '' || name === 'close' || hopByHopFields.has(name)) continue;
    found ??= new Set();
    found.add(name);
  }
  return found;
}

/**
 * True when a name is this field, also for those behind us who read "_" as "-" (CGI and its heirs). Both lower case.
 */
export function namesField(name: string, field: string): boolean {
  if (name.length !== field.length) return false;
  if (name === field) return true;
  if (!name.includes('_') && !field.includes('_')) return false;
  return name.replaceAll('_', '-') === field.replaceAll('_', '-');
}

/** All values of a field in a flat header list, in order. `name` is lower case. */
export function fieldValues(rawHeaders: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const field = rawHeaders[i] as string;
    if (field.length === name.length && field.toLowerCase() === name) values.push(rawHeaders[i + 1] as string);
  }
  return values;
}

/** True when a comma-separated list of tokens holds `token` (lower case). */
export function listHas(value: string, token: string): boolean {
  if (value.length === token.length) return value.toLowerCase() === token;
  for (const item of value.split(',')) if (item.trim().toLowerCase() === token) return true;
  return false;
}
