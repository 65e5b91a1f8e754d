/** Addresses as they stand in fields and on sockets. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { networkOf, normalizeIp, readIp } from '../../../src/core/ip.ts';

test('an address has one spelling, and an IPv4-mapped one is IPv4', () => {
  assert.equal(normalizeIp('192.0.2.1'), '192.0.2.1');
  assert.equal(normalizeIp('::ffff:192.0.2.1'), '192.0.2.1');
  assert.equal(normalizeIp('0:0:0:0:0:FFFF:c000:0201'), '192.0.2.1');
  assert.equal(normalizeIp('2001:DB8:0:0::1'), '2001:db8::1');
  assert.equal(normalizeIp('fe80::1%eth0'), 'fe80::1%eth0');
  assert.equal(normalizeIp('what:ever'), 'what:ever');
});

test('an address is read with and without brackets and port', () => {
  for (const [text, ip] of [
    ['192.0.2.1', '192.0.2.1'],
    ['192.0.2.1:8080', '192.0.2.1'],
    ['192.0.2.1:_hidden', '192.0.2.1'],
    ['2001:db8::1', '2001:db8::1'],
    ['[2001:DB8::1]', '2001:db8::1'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
  ] as const) {
    assert.equal(readIp(text), ip);
  }
});

test('what is no address is none', () => {
  const texts = [
    '',
    'unknown',
    '_hidden',
    'localhost',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.4:',
    '1.2.3.4:x',
  ];
  for (const text of [
    ...texts,
    '1.2.3.4:80:80',
    '[1.2.3.4]',
    '[::1',
    '::1]',
    '[::1]80',
    '[::1]:',
    'fe80::1%eth0',
    '[fe80::1%1]:80',
    '1.2.3.4 ',
  ]) {
    assert.equal(readIp(text), null, text);
  }
});

test('an IPv4 client is its address, an IPv6 client its /64', () => {
  for (const [ip, network] of [
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8:1:2::1', '2001:db8:1:2'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['2001:db8::', '2001:db8:0:0'],
    ['2001:db8::2:0:0:1', '2001:db8:0:0'],
    ['2001:db8::3:2:0:0:1', '2001:db8:0:3'],
    ['::1', '0:0:0:0'],
    ['::', '0:0:0:0'],
    ['::2:3:4:5:6:7:8', '0:2:3:4'],
    ['1:2:3:4:5:6:7::', '1:2:3:4'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
  ] as const) {
    assert.equal(networkOf(ip), network);
  }
});
