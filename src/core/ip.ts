/** IP addresses as they stand in header fields and on sockets, in one spelling each. */
import { isIP, isIPv4, SocketAddress } from 'node:net';

/**
 * An address as the operating system writes it; an IPv4 peer of a dual-stack socket, `::ffff:1.2.3.4`, becomes
 * `1.2.3.4`. Cheap for IPv4, which nearly all are. What is no address comes back as it is.
 */
export function normalizeIp(ip: string): string {
  if (!ip.includes(':') || isIP(ip) !== 6 || ip.includes('%')) return ip;
  const { address } = new SocketAddress({ address: ip, family: 'ipv6' });
  if (!address.startsWith('::ffff:')) return address;
  const mapped = address.slice(7);
  return isIPv4(mapped) ? mapped : address;
}

/**
 * The address in `1.2.3.4`, `1.2.3.4:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`; `null` for anything
 * else, so for `unknown`, obfuscated names (RFC 7239, section 6.3), names of hosts, and zones.
 */
export function readIp(text: string): string | null {
  const bare = withoutPort(text);
  return bare !== null && !bare.includes('%') && isIP(bare) !== 0 ? normalizeIp(bare) : null;
}

/**
 * Where a client lives, as far as limits go: an IPv4 address, or the /64 of an IPv6 one, since whoever has one address of a
 * /64 has them all. Takes what `normalizeIp` gives; an IPv6 network comes back as its first four groups.
 */
export function networkOf(ip: string): string {
  if (!ip.includes(':')) return ip;
  const [head = '', tail = ''] = ip.split('::');
  const groups = head === '' ? [] : head.split(':');
  const last = tail === '' ? [] : tail.split(':');
  // An IPv4 address at the end stands for two groups.
  const lastCount = last.length + (tail.includes('.') ? 1 : 0);
  const zeros = ip.includes('::') ? 8 - groups.length - lastCount : 0;
  for (let i = 0; i < zeros && groups.length < 4; i++) groups.push('0');
  return [...groups, ...last].slice(0, 4).join(':');
}

function withoutPort(text: string): string | null {
  if (text.startsWith('[')) {
    const [, ip, port] = /^\[([^\]]*:[^\]]*)\](?::([\w.-]*))?$/.exec(text) ?? [];
    return ip !== undefined && (port === undefined || isPort(port)) ? ip : null;
  }
  const colon = text.indexOf(':');
  if (colon === -1 || colon !== text.lastIndexOf(':')) return text;
  return isPort(text.slice(colon + 1)) ? text.slice(0, colon) : null;
}

/** A number, or a name that stands for one (RFC 7239, section 6.3: `_` and letters). */
function isPort(text: string): boolean {
  return /^(\d{1,5}|_[\w.-]+)$/.test(text);
}
