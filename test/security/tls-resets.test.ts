/** TLS clients that go in the middle of their request, politely and then by force: nothing of them stays. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { createAuthority } from '../support/certificates.ts';
import { eventually } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';
import { metric } from '../support/metric.ts';
import { recordingUpstream } from '../support/recording-upstream.ts';

const rounds = 2;
const clients = 100;

const authority = await createAuthority();
const certificate = await authority.issue({ names: ['gateway.test'] });
const upstream = await recordingUpstream();
const gateway = await startGateway({
  config: {
    proxy: { tls: { certificates: [certificate] } },
    upstreams: [{ name: 'backend', url: upstream.url }],
    routes: [{ path: '/*', upstream: 'backend' }],
  },
});

test('half a body, the end of TLS and then a reset end the exchange', async () => {
  for (let round = 0; round < rounds; round++) await Promise.all(Array.from({ length: clients }, (_, i) => leave(i)));
  await eventually(
    async () => ((await metric(gateway.adminUrl, 'http_requests_total')) === rounds * clients ? true : null),
    'every exchange to be over',
  );
  assert.equal(await metric(gateway.adminUrl, 'http_requests_in_flight'), 0);
});

/**
 * Handshakes keep the gateway busy: it learns of all this at once, or piece by piece, and writes its 400 before or behind
 * the reset.
 */
async function leave(i: number): Promise<void> {
  const transport = connect(gateway.port, '127.0.0.1').on('error', () => {});
  const socket = connectTls({ socket: transport, rejectUnauthorized: false }).on('error', () => {});
  await once(socket, 'secureConnect');
  socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc');
  await setTimeout(20 + (i % 20));
  socket.end();
  await setTimeout(1);
  transport.resetAndDestroy();
}
