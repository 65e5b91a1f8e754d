/**
 * Addresses that no upstream may have: cloud metadata services, and what security.blockedIPs adds; in any spelling, and
 * inside any address that carries them to another network.
 */
import { type BlockList, isIP } from 'node:net';
import { buildAddressList } from './address-ranges.ts';

/** Services that hand out credentials to whoever can reach them from inside a cloud. */
export const metadataAddresses: readonly string[] = [
  '169.254.169.254', // AWS, Azure, Google, Oracle, DigitalOcean, OpenStack
  '169.254.170.2', // AWS ECS tasks
  '169.254.170.23', // AWS EKS pods
  'fd00:ec2::254', // AWS over IPv6
  'fd00:ec2::23', // AWS EKS pods over IPv6
  'fd20:ce::254', // Google over IPv6
  '100.100.100.200', // Alibaba
  '168.63.129.16', // Azure's host agent
  '192.0.0.192', // Oracle
];

/** `code` of the error of a connection that was refused here. */
export const blockedCode = 'SLUICE_ADDRESS_BLOCKED';

/** The metadata addresses and these. Ranges must have passed `isAddressRange`. */
export function buildBlockList(ranges: readonly string[]): BlockList {
  return buildAddressList([...metadataAddresses, ...ranges]);
}

/**
 * For the host of a url as `new URL()` gives it, which has already turned decimal, octal, hex and short IPv4 into the
 * usual form. Names are never blocked here: they are judged by what they resolve to.
 */
export function isBlockedLiteral(hostname: string, list: BlockList): boolean {
  const address = hostname.replace(/^\[(.*)\]$/, '$1');
  return isIP(address) !== 0 && isBlockedAddress(address, list);
}

/** For an address as the operating system or DNS gives it. What is no address is blocked: nobody knows where it leads. */
export function isBlockedAddress(address: string, list: BlockList): boolean {
  // A zone (fe80::1%eth0) says over which interface, not where to.
  const bare = address.replace(/%.*$/s, '');
  if (isIP(bare) === 0) return true;
  return destinationsOf(bare).some((ip) => list.check(ip, isIP(ip) === 4 ? 'ipv4' : 'ipv6'));
}

/** The address, and those where a packet to it may come out. */
function destinationsOf(address: string): string[] {
  if (isIP(address) === 4) return withLoopback(address);
  const groups = expandIPv6(address);
  return [address, ...(isUnspecified(groups) ? ['::1'] : []), ...embeddedIPv4(groups).flatMap(withLoopback)];
}

/** Connecting to 0.0.0.0 connects to this very machine. */
function withLoopback(ipv4: string): string[] {
  return ipv4 === '0.0.0.0' ? [ipv4, '127.0.0.1'] : [ipv4];
}

/** The IPv4 addresses that stand in an IPv6 address which a host, a translator or a tunnel may take apart. */
function embeddedIPv4(groups: readonly number[]): string[] {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = groups;
  const last = dotted(g, h);
  if (a === 0x2002) return [dotted(b, c)]; // 6to4, RFC 3056
  if (a === 0x2001 && b === 0) return [dotted(~g & 0xffff, ~h & 0xffff)]; // Teredo, RFC 4380: inverted
  if (a === 0x64 && b === 0xff9b && c === 1) return translated(groups); // local NAT64, RFC 8215
  if (a === 0x64 && b === 0xff9b && c + d + e + f === 0) return [last]; // NAT64, RFC 6052
  if (a + b + c + d === 0) {
    if (e === 0 && f === 0xffff) return [last]; // IPv4-mapped, RFC 4291
    if (e === 0xffff && f === 0) return [last]; // IPv4-translated, RFC 2765
    if (e + f === 0 && !(g === 0 && h === 1)) return [last]; // IPv4-compatible, RFC 4291; ::1 is none
  }
  if ((e & 0xfdff) === 0 && f === 0x5efe) return [last]; // ISATAP, RFC 5214
  return [];
}

/**
 * RFC 6052, section 2.2: where in 64:ff9b:1::/48 the IPv4 address begins is the operator's choice, so every place is
 * looked at. The bits 64 to 71 are skipped. What begins with 0 is the gap of another place, and no address.
 */
function translated([, , , d = 0, e = 0, f = 0, g = 0, h = 0]: readonly number[]): string[] {
  const early = [
    dotted(d, ((e & 255) << 8) | (f >> 8)), // 48 bits before it
    dotted(((d & 255) << 8) | (e & 255), f), // 56
    dotted(((e & 255) << 8) | (f >> 8), ((f & 255) << 8) | (g >> 8)), // 64
  ];
  return [...early.filter((ip) => !ip.startsWith('0.')), dotted(g, h)];
}

function isUnspecified(groups: readonly number[]): boolean {
  return groups.every((group) => group === 0);
}

/** The eight groups as numbers. URL's spelling is hex only, with no dotted end. */
function expandIPv6(address: string): number[] {
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const first = readGroups(head);
  const last = readGroups(tail ?? '');
  const gap = tail === undefined ? 0 : 8 - first.length - last.length;
  return [...first, ...Array.from({ length: gap }, () => 0), ...last];
}

function readGroups(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
}

function dotted(high: number, low: number): string {
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}
