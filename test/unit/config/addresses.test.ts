/** Addresses that no upstream may name, however they are spelled. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge } from './judge.ts';

const metadata = [
  'http://169.254.169.254',
  'http://2852039166',
  'http://0xA9FEA9FE',
  'http://0xa9.0xfe.0xa9.0xfe',
  'http://0251.0376.0251.0376',
  'http://169.254.43518',
  'http://169.254.169.254.:80/latest',
  'http://[::ffff:169.254.169.254]',
  'http://[::ffff:a9fe:a9fe]:8080',
  'http://[::169.254.169.254]',
  'http://[64:ff9b::a9fe:a9fe]',
  'http://[2002:a9fe:a9fe::1]',
  'http://[fd00:ec2::254]',
  'http://[FD00:0ec2:0:0::0254]',
  'http://１６９.254.169.254',
  'https://169.254.170.2/v2/credentials',
  'http://100.100.100.200',
];

for (const url of metadata) {
  test(`${url} is refused as an upstream`, () => {
    const lines = judge(`upstreams: [{ name: a, url: "${url}" }]\nroutes: [{ path: /*, upstream: a }]`);
    assert.equal(lines.length, 1, lines.join('\n'));
    assert.match(lines[0] ?? '', /^proxy\.yml:1:29 upstreams\[0\]\.url: .* must not be reached/);
  });
}
