/** Lists of addresses and CIDRs as a config names them, made into something that answers quickly for one address. */
import { BlockList, isIP } from 'node:net';
import IPCIDR from 'ip-cidr';
import { normalizeIp } from './ip.ts';

/** An address, or a CIDR such as 10.0.0.0/8. Zone ids name an interface of one machine, so they are none. */
export function isAddressRange(text: string): boolean {
  return !text.includes('%') && (isIP(text) !== 0 || IPCIDR.isValidCIDR(text));
}

/** Throws an Error about an entry that is no address range. An IPv4-mapped range is the IPv4 range that it stands for. */
export function buildAddressList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) addRange(list, range.trim());
  return list;
}

function addRange(list: BlockList, range: string): void {
  if (!isAddressRange(range)) throw noRange(range);
  const [address = '', bits] = range.split('/');
  const ip = normalizeIp(address);
  const isIPv4 = isIP(ip) === 4;
  const isMapped = isIPv4 && address.includes(':');
  const prefix = Number(bits ?? (address.includes(':') ? 128 : 32)) - (isMapped ? 96 : 0);
  if (prefix < 0) throw noRange(range);
  list.addSubnet(ip, prefix, isIPv4 ? 'ipv4' : 'ipv6');
}

function noRange(range: string): Error {
  return new Error(`"${range}" is no address or range: write "10.0.0.0/8", "192.0.2.7" or "2001:db8::/32"`);
}
