/** A pool whose target's name moves: what is idle, busy or waiting then. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo, LookupFunction } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { Attempt, Connection } from '../../../src/contracts/upstream.ts';
import { TargetPool } from '../../../src/upstream/connection-pool.ts';
import { WaitingRoom } from '../../../src/upstream/waiting-room.ts';
import { eventually } from '../../support/deadline.ts';

interface Host {
  readonly open: ServerResponse[];
  connections: number;
}

/** Servers on one port of several loopback addresses, which answer when the test does. */
async function startHosts(t: TestContext, addresses: readonly string[]): Promise<{ hosts: Host[]; port: number }> {
  const hosts: Host[] = [];
  let port = 0;
  for (const address of addresses) {
    const host: Host = { open: [], connections: 0 };
    const server = createServer((_, answer) => host.open.push(answer));
    server.on('connection', (socket) => {
      host.connections++;
      socket.on('close', () => host.connections--);
    });
    server.listen(port, address);
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
    t.after(() => {
      server.close();
      server.closeAllConnections();
    });
    hosts.push(host);
  }
  return { hosts, port };
}

class Try implements Attempt {
  readonly priority = 'normal';
  connection: Connection | null = null;
  outcome: 'open' | 'ended' | 'failed' = 'open';
  onRequestStart(): void {}
  onResponseStarted(): void {}
  turnedAway(): void {}
  onResponseStart(): void {}
  onResponseData(): void {}
  onResponseEnd(): void {
    this.outcome = 'ended';
    this.connection?.release();
  }
  onResponseError(): void {
    this.outcome = 'failed';
    this.connection?.release();
  }
}

test('connections to an address that has gone: idle ones close, a busy one ends its request, who waits goes elsewhere', async (t) => {
  const { hosts, port } = await startHosts(t, ['127.0.0.1', '127.0.0.2']);
  const [old, next] = hosts as [Host, Host];
  let address = '127.0.0.1';
  const lookup: LookupFunction = (_hostname, _options, callback) =>
    process.nextTick(callback, null, [{ address, family: 4 }]);
  const pool = new TargetPool({
    upstream: 'api',
    guard: null,
    lookup,
    tls: null,
    origin: `http://api.test:${port}`,
    maxConnections: 2,
    maxPending: 10,
    maxHeaderBytes: 16_384,
    room: new WaitingRoom(),
    connectMs: 0,
    dnsMs: 0,
  });
  t.after(() => pool.close());
  const send = (): Try => {
    const attempt = new Try();
    pool.dispatch({ method: 'GET', path: '/' }, attempt);
    return attempt;
  };

  const [first, second, waiting] = [send(), send(), send()];
  assert.equal(pool.inFlight, 3);
  await eventually(() => (old.open.length === 2 ? true : null), 'two requests');
  address = '127.0.0.2';
  pool.keepOnly(['127.0.0.2']);
  assert.equal(old.connections, 2);

  old.open[0]?.end();
  await eventually(() => (next.open.length === 1 ? true : null), 'the one that waited, at the new address');
  await eventually(() => (old.connections === 1 ? true : null), 'the end of the connection that was given back');
  old.open[1]?.end();
  next.open[0]?.end();
  await eventually(() => (waiting.outcome === 'ended' ? true : null), 'its answer');
  await eventually(() => (old.connections === 0 ? true : null), 'the end of the other connection');
  assert.deepEqual([first.outcome, second.outcome], ['ended', 'ended']);
  assert.equal(pool.inFlight, 0);

  assert.equal(next.connections, 1);
  pool.keepOnly(['127.0.0.1']);
  await eventually(() => (next.connections === 0 ? true : null), 'the idle one to close');
});
