/** What single texts of the config must look like beyond being text: names of fields and methods, hosts, addresses, origins. */
import { isIP } from 'node:net';

/** A token of RFC 9110, section 5.6.2: the name of a field, a method, a media type's halves. */
export function isToken(text: string): boolean {
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(text);
}

/** What may stand in a field's value (RFC 9110, section 5.5): one line of printable Latin-1, no space at its ends. */
export function isFieldValue(text: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(text) && text.trim() === text;
}

/** Names end up as labels in metrics and as fields in logs. */
export function isLabel(text: string): boolean {
  return text.length <= 200 && !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text) && text.trim() === text;
}

/** Sent on as X-Consumer-Name, so it must be able to be a field's value. */
export function isConsumerName(text: string): boolean {
  return isLabel(text) && /^[\x20-\x7e]+$/.test(text);
}

export function isHostName(text: string): boolean {
  return (
    text.length <= 253 && /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*$/i.test(text)
  );
}

/** A host as `security.allowedHosts` names it: a name, an address (IPv6 with or without brackets), or `*.suffix`. */
export function isAllowedHost(text: string): boolean {
  const bare = text.replace(/^\[(.*)\]$/, '$1');
  return isIP(bare) !== 0 || isHostName(text.startsWith('*.') ? text.slice(2) : text);
}

/** `host:port` or `redis://host:port`. */
export function isHostAndPort(text: string): boolean {
  const url = parseUrl(text.includes('://') ? text : `redis://${text}`);
  return url !== null && /^rediss?:$/.test(url.protocol) && url.hostname !== '' && url.port !== '';
}

/** Unlike `new URL`, refuses what it would repair: spaces, control characters, backslashes, a scheme without "//". */
export function parseUrl(text: string): URL | null {
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^\s\\\p{Cc}]+$/iu.test(text)) return null;
  return URL.parse(text);
}

/** What the HTTP parser knows; any other method gets a 400 before a route could see it. */
export const knownMethods: readonly string[] = (
  'GET HEAD POST PUT PATCH DELETE OPTIONS TRACE QUERY ACL BIND CHECKOUT COPY LINK LOCK M-SEARCH MERGE MKACTIVITY ' +
  'MKCALENDAR MKCOL MOVE NOTIFY PROPFIND PROPPATCH PURGE REBIND REPORT SEARCH SOURCE SUBSCRIBE UNBIND UNLINK UNLOCK ' +
  'UNSUBSCRIBE'
).split(' ');
