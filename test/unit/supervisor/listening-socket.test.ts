import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { bindSocket } from '../../../supervisor/listening-socket.ts';
import { StartBlocked } from '../../../supervisor/start-blocked.ts';

test('it knows its port and address', async () => {
  for (const [host, shown] of [
    ['127.0.0.1', '127.0.0.1'],
    ['0.0.0.0', 'localhost'],
    ['::1', '[::1]'],
    ['[::1]', '[::1]'],
    ['::', 'localhost'],
  ] as const) {
    const socket = await bindSocket(host, 0);
    assert.ok(socket.port > 0);
    assert.equal(socket.url, `http://${shown}:${socket.port}`);
    socket.close();
  }
});

test('a port in use, and an address of another machine, are found at once', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  await assert.rejects(bindSocket('127.0.0.1', port), (error) => {
    assert.ok(error instanceof StartBlocked);
    assert.match(error.message, /is in use \(EADDRINUSE\)/);
    return true;
  });
  other.close();
  await assert.rejects(bindSocket('192.0.2.1', 0), /is no address of this machine/);
  await assert.rejects(bindSocket('no-such-host.invalid', 0), /can't resolve "no-such-host\.invalid"/);
});
