/** Blocked addresses in every spelling, and inside every address that leads to them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  buildBlockList,
  isBlockedAddress,
  isBlockedLiteral,
  metadataAddresses,
} from '../../../src/core/blocked-addresses.ts';

const none = buildBlockList([]);
const inside = buildBlockList(['10.0.0.0/8', '127.0.0.0/8', 'fe80::/10', '::1']);

/** As the host of a url, in the many ways to write 169.254.169.254. */
const spellings = [
  '169.254.169.254',
  '169.254.169.254.',
  '2852039166',
  '0xA9FEA9FE',
  '0xa9.0xfe.0xa9.0xfe',
  '0251.0376.0251.0376',
  '025177524776',
  '169.254.43518',
  '169.16689662',
  '%31%36%39.254.169.254',
  '１６９.254.169.254',
  '169。254。169。254',
  '①⑥⑨.②⑤④.①⑥⑨.②⑤④',
  '[::ffff:169.254.169.254]',
  '[::FFFF:A9FE:A9FE]',
  '[0:0:0:0:0:ffff:a9fe:a9fe]',
  '[0000:0000:0000:0000:0000:ffff:169.254.169.254]',
  '[::169.254.169.254]',
  '[::ffff:0:169.254.169.254]',
  '[64:ff9b::169.254.169.254]',
  '[64:ff9b:0:0:0:0:a9fe:a9fe]',
  '[64:ff9b:1::169.254.169.254]',
  '[2002:a9fe:a9fe::]',
  '[2002:a9fe:a9fe:1234::1]',
  '[fd00:ec2::254]',
  '[FD00:0EC2:0:0:0:0:0:0254]',
];

for (const host of spellings) {
  test(`http://${host} is a metadata service`, () => {
    assert.ok(isBlockedLiteral(new URL(`http://${host}`).hostname, none));
  });
}

/** As DNS or the operating system may give them. */
const answers: readonly (readonly [address: string, what: string])[] = [
  ['10.1.2.3', 'IPv4'],
  ['::ffff:10.1.2.3', 'IPv4-mapped'],
  ['::ffff:a01:203', 'IPv4-mapped, in hex'],
  ['::ffff:10.1.2.3%eth0', 'IPv4-mapped with a zone'],
  ['::10.1.2.3', 'IPv4-compatible'],
  ['::ffff:0:10.1.2.3', 'IPv4-translated'],
  ['64:ff9b::a01:203', 'NAT64'],
  ['64:ff9b:1::a01:203', 'local NAT64, 96 bits'],
  ['64:ff9b:1:a01:2:300::', 'local NAT64, 48 bits'],
  ['64:ff9b:1:770a:1:203::', 'local NAT64, 56 bits'],
  ['64:ff9b:1:7777:a:102:300:0', 'local NAT64, 64 bits'],
  ['2002:a01:203::1', '6to4'],
  ['2001:0:4136:e378:8000:63bf:f5fe:fdfc', 'Teredo'],
  ['2001:db8::5efe:10.1.2.3', 'ISATAP'],
  ['2001:db8::200:5efe:a01:203', 'ISATAP with a global address'],
  ['fe80::1', 'link-local'],
  ['fe80::1%eth0', 'link-local with a zone'],
  ['fe80::1%25eth0', 'link-local with an escaped zone'],
  ['0.0.0.0', 'this machine'],
  ['::ffff:0.0.0.0', 'this machine, IPv4-mapped'],
  ['::', 'this machine by IPv6'],
  ['::1', 'loopback'],
  ['', 'nothing'],
  ['localhost', 'no address'],
  ['[::1]', 'no address either'],
];

for (const [address, what] of answers) {
  test(`${JSON.stringify(address)} is refused: ${what}`, () => assert.ok(isBlockedAddress(address, inside)));
}

test('neighbours, private addresses and names are not metadata services', () => {
  for (const host of [
    '169.254.169.253',
    '10.0.0.1',
    '127.0.0.1',
    '0.0.0.0',
    '[::]',
    '[::1]',
    '[fd00:ec2::255]',
    '[64:ff9b::808:808]',
    '[2002:808:808::1]',
    'metadata.google.internal',
  ]) {
    assert.ok(!isBlockedLiteral(new URL(`http://${host}`).hostname, none), host);
  }
});

test('what merely looks like an embedded address is none', () => {
  for (const address of [
    '2001:db8::a01:203',
    '2003:a01:203::1',
    '64:ff9b:2::a01:203',
    '2001:1::f5fe:fdfc',
    '11.0.0.1',
  ]) {
    assert.ok(!isBlockedAddress(address, inside), address);
  }
});

test('a gap of zeros in a local NAT64 address is not 0.0.0.0, and loopback is not 0.0.0.1', () => {
  const list = buildBlockList(['0.0.0.0/8']);
  assert.ok(!isBlockedAddress('64:ff9b:1::8.8.8.8', list));
  assert.ok(!isBlockedAddress('::1', list));
  assert.ok(isBlockedAddress('::ffff:0.0.0.0', list));
});

test('the metadata addresses of all clouds are there without being asked for', () => {
  assert.equal(metadataAddresses.length, 9);
  for (const address of metadataAddresses) assert.ok(isBlockedAddress(address, none), address);
});

/** Every way to carry an IPv4 address inside an IPv6 address, with anything around it. */
const embeddings: readonly ((ip: number, noise: readonly number[]) => readonly number[])[] = [
  (ip) => [0, 0, 0, 0, 0, 0xffff, high(ip), low(ip)],
  (ip) => [0, 0, 0, 0, 0, 0, high(ip), low(ip)],
  (ip) => [0, 0, 0, 0, 0xffff, 0, high(ip), low(ip)],
  (ip) => [0x64, 0xff9b, 0, 0, 0, 0, high(ip), low(ip)],
  (ip, [a = 0, b = 0, c = 0]) => [0x64, 0xff9b, 1, a, b, c, high(ip), low(ip)],
  (ip, [a = 0, b = 0]) => [0x64, 0xff9b, 1, high(ip), low(ip) >> 8, (low(ip) & 255) << 8, a, b],
  (ip, [a = 0, b = 0, c = 0]) => [0x64, 0xff9b, 1, (a & 0xff00) | (ip >>> 24), (ip >>> 16) & 255, low(ip), b, c],
  (ip, [a = 0, b = 0]) => [0x64, 0xff9b, 1, a, ip >>> 24, (ip >>> 8) & 0xffff, (ip & 255) << 8, b],
  (ip, [a = 0, b = 0, c = 0, d = 0, e = 0]) => [0x2002, high(ip), low(ip), a, b, c, d, e],
  (ip, [a = 0, b = 0, c = 0, d = 0]) => [0x2001, 0, a, b, c, d, high(~ip), low(~ip)],
  (ip, [a = 0, b = 0, c = 0, d = 0]) => [a, b, c, d, 0, 0x5efe, high(ip), low(ip)],
];

test('no IPv6 address passes that carries a blocked IPv4 address, whatever stands around it and however it is written', () => {
  const blocked = fc.oneof(
    fc.nat(0xffffff).map((rest) => 0x0a000000 + rest),
    fc.constantFrom(0xa9fea9fe, 0xa9feaa02, 0x646464c8, 0xa83f8110, 0x7f000001),
  );
  const noise = fc.array(fc.nat(0xffff), { minLength: 5, maxLength: 5 });
  const zone = fc.constantFrom('', '%eth0', '%1');
  fc.assert(
    fc.property(blocked, noise, fc.constantFrom(...embeddings), zone, (ip, around, embed, suffix) => {
      const groups = embed(ip, around);
      for (const address of spell(groups)) assert.ok(isBlockedAddress(address + suffix, inside), address);
    }),
    { numRuns: 2000 },
  );
});

test('an IPv4 address is blocked when its range is, and only then', () => {
  fc.assert(
    fc.property(fc.nat(0xffffffff), fc.integer({ min: 0, max: 32 }), fc.nat(0xffffffff), (start, bits, ip) => {
      const list = buildBlockList([`${dotted(start)}/${bits}`]);
      const isInside = (address: number): boolean => bits === 0 || (start ^ address) >>> (32 - bits) === 0;
      const expected = isInside(ip) || (ip === 0 && isInside(0x7f000001)) || isBlockedAddress(dotted(ip), none);
      assert.equal(isBlockedAddress(dotted(ip), list), expected);
    }),
  );
});

/** In full, with a dotted end, and as a url would write it. */
function spell(groups: readonly number[]): string[] {
  const hex = groups.map((group) => group.toString(16));
  const full = hex.map((group) => group.padStart(4, '0').toUpperCase()).join(':');
  const [g = 0, h = 0] = groups.slice(6);
  const short = new URL(`http://[${full}]`).hostname.slice(1, -1);
  return [full, `${hex.slice(0, 6).join(':')}:${dotted(g * 0x10000 + h)}`, short];
}

function dotted(ip: number): string {
  return [24, 16, 8, 0].map((shift) => (ip >>> shift) & 255).join('.');
}

function high(ip: number): number {
  return (ip >>> 16) & 0xffff;
}

function low(ip: number): number {
  return ip & 0xffff;
}
