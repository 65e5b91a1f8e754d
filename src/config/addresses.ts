/** Which literal addresses no upstream url may name: cloud metadata services, and what security.blockedIPs adds, in any spelling. */
import { type BlockList, isIP } from 'node:net';
import { buildAddressList } from '../core/address-ranges.ts';

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

/** The metadata addresses and these. Ranges must have passed `isAddressRange`. */
export function buildBlockList(ranges: readonly string[]): BlockList {
  return buildAddressList([...metadataAddresses, ...ranges]);
}

/**
 * `hostname` as `new URL()` gives it, which has already turned decimal, octal, hex and short IPv4 into the usual
 * form. Names are never blocked here: they are judged by what they resolve to, at every connect.
 */
export function isBlockedLiteral(hostname: string, list: BlockList): boolean {
  const address = hostname.replace(/^\[(.*)\]$/, '$1');
  const family = isIP(address);
  if (family === 0) return false;
  if (family === 4) return list.check(address, 'ipv4');
  const embedded = embeddedIPv4(address);
  return list.check(address, 'ipv6') || (embedded !== null && list.check(embedded, 'ipv4'));
}

/** The IPv4 address inside IPv4-mapped, IPv4-compatible, NAT64 (RFC 6052) and 6to4 (RFC 3056) addresses. */
function embeddedIPv4(address: string): string | null {
  const groups = expandIPv6(address);
  if (groups === null) return null;
  const start = groups.slice(0, 6).join(':');
  if (start === '0:0:0:0:0:65535' || start === '0:0:0:0:0:0' || start === '100:65435:0:0:0:0')
    return dotted(groups[6], groups[7]);
  return groups[0] === 0x2002 ? dotted(groups[1], groups[2]) : null;
}

/** The eight groups, as numbers, of an address in the form that `new URL()` gives: hex only, no zone. */
function expandIPv6(address: string): number[] | null {
  const [head = '', tail] = address.split('::');
  const first = readGroups(head);
  const last = readGroups(tail ?? '');
  const gap = tail === undefined ? 0 : 8 - first.length - last.length;
  const groups = [...first, ...Array.from({ length: Math.max(gap, 0) }, () => 0), ...last];
  return groups.length === 8 && groups.every((group) => group >= 0 && group <= 0xffff) ? groups : null;
}

function readGroups(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
}

function dotted(high = 0, low = 0): string {
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}
