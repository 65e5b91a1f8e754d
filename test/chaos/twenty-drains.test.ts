/** Twenty times in a row a gateway drains under every kind of load while the next one takes over, and no request fails. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { forwardAll, type Gateway, startGateway } from '../support/gateway.ts';
import { holdSocket } from '../support/held-socket.ts';
import { startMixedLoad, startSlowUpstream } from '../support/mixed-load.ts';

test('a gateway drains while the next one has begun to serve, twenty times', async () => {
  const config = forwardAll(await startSlowUpstream(), { proxy: { shutdown: { delay: 0, timeout: 10_000 } } });
  const sockets = { proxy: holdSocket(), admin: holdSocket() };
  const start = () => startGateway({ config, sockets, waitFor: 'no' });
  let current = await isReady(await start());
  const load = startMixedLoad(current.url);
  for (let round = 1; round <= 20; round++) {
    await load.round();
    const next = await isReady(await start());
    current.signal('SIGTERM');
    assert.deepEqual(await current.exit, { code: 0, signal: null }, `round ${round}`);
    current = next;
  }
  await load.round();
  assert.deepEqual(await load.stop(), []);
});

/** Its health would be answered by whoever has the admin socket. */
async function isReady(gateway: Gateway): Promise<Gateway> {
  const line = () => gateway.logs.find(({ msg }) => msg === 'ready') ?? null;
  await eventually(line, 'the next gateway', 30_000);
  return gateway;
}
