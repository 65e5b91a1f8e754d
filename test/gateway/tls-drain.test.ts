/** A drain over HTTPS: what has been accepted is served, also when its handshake has only begun, and nobody is waited for in vain. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAuthority } from '../support/certificates.ts';
import { eventually } from '../support/deadline.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { rawClient } from '../support/raw-client.ts';
import { recordingUpstream, response } from '../support/recording-upstream.ts';
import { secureClient } from '../support/secure-client.ts';

const authority = await createAuthority();
const certificate = await authority.issue({ names: ['gateway.test'] });
const upstream = await recordingUpstream();
const start = (): Promise<Gateway> =>
  startGateway({
    config: {
      proxy: { tls: { certificates: [certificate] }, shutdown: { delay: 0, timeout: 10_000 } },
      upstreams: [{ name: 'api', url: upstream.url }],
      routes: [{ path: '/*', upstream: 'api' }],
    },
  });

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

test('requests in flight are finished, silent connections are closed, and the exit code is 0', async () => {
  const gateway = await start();
  upstream.on('/slow', () => {});
  const busy = await secureClient(gateway.port);
  busy.write(get('/slow'));
  const request = await upstream.arrival('/slow');
  const used = await secureClient(gateway.port);
  used.write(get('/quick'));
  assert.equal((await used.response())?.status, 200);
  const unused = await secureClient(gateway.port);
  const unsaid = await rawClient(gateway.port);

  gateway.signal('SIGTERM');
  assert.equal(await used.response(), null);
  assert.equal(await unused.response(), null);
  await unsaid.closed();
  request.send(response(200, [], 'finished'));
  assert.equal((await busy.response())?.text(), 'finished');
  assert.deepEqual(await gateway.exit, { code: 0, signal: null });
});

test('a request of which part has come is waited for', async () => {
  const gateway = await start();
  const client = await secureClient(gateway.port);
  client.write('GET /part HTTP/1.1\r\nHo');
  // What has been written before has arrived when this is answered on another connection.
  const probe = await secureClient(gateway.port);
  probe.write(get('/probe'));
  assert.equal((await probe.response())?.status, 200);
  gateway.signal('SIGTERM');
  assert.equal(await probe.response(), null);
  client.write('st: a\r\n\r\n');
  assert.equal((await client.response())?.status, 200);
  assert.deepEqual(await gateway.exit, { code: 0, signal: null });
});

test('a handshake that has begun is waited for, as long as timeouts.headers', async () => {
  const gateway = await start();
  const stalled = await rawClient(gateway.port);
  stalled.write(Buffer.from('160301020001', 'hex'));
  const probe = await secureClient(gateway.port);
  gateway.signal('SIGTERM');
  await probe.closed();
  // It would be closed by now if nothing had come.
  assert.equal(stalled.closing, null);
  stalled.destroy();
  assert.deepEqual(await gateway.exit, { code: 0, signal: null });
});

test('workers are replaced under HTTPS clients that keep coming, and none notices', async () => {
  const gateway = await start();
  let running = true;
  const failures: unknown[] = [];
  const come = async (): Promise<void> => {
    while (running) {
      try {
        const client = await secureClient(gateway.port);
        client.write(get('/coming'));
        const answer = await client.response();
        if (answer?.status !== 200) failures.push(answer?.status);
        client.destroy();
      } catch (error) {
        failures.push(error);
      }
    }
  };
  const clients = [come(), come(), come()];
  const [old] = gateway.workers();
  gateway.signal('SIGUSR2');
  await gateway.log(({ msg }) => msg === 'all workers have been replaced');
  await eventually(() => (gateway.workers().includes(old ?? 0) ? null : true), 'the old worker to leave');
  running = false;
  await Promise.all(clients);
  assert.deepEqual(failures, []);
});
