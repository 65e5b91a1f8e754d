/** Connections counted by where they come from. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectionsPerIp } from '../../../workers/connections-per-ip.ts';

test('each address has a count of its own, which its connections leave again', () => {
  const open = new ConnectionsPerIp();
  assert.deepEqual([open.enter('10.0.0.1'), open.enter('10.0.0.1'), open.enter('10.0.0.2')], [1, 2, 1]);
  open.leave('10.0.0.1');
  assert.equal(open.enter('10.0.0.1'), 2);
  for (let i = 0; i < 2; i++) open.leave('10.0.0.1');
  assert.equal(open.enter('10.0.0.1'), 1);
});

test('the addresses of an IPv6 /64 are one client', () => {
  const open = new ConnectionsPerIp();
  assert.deepEqual(
    [open.enter('2001:db8::1'), open.enter('2001:db8::ffff:1:2'), open.enter('2001:db8:0:1::1')],
    [1, 2, 1],
  );
  open.leave('2001:db8::1');
  assert.equal(open.enter('2001:db8::3'), 2);
});
