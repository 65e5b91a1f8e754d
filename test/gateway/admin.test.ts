/** The admin listener of a real gateway, as its config says. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import type { Config } from '../../src/contracts/config.ts';
import { within } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';

const routes = [{ path: '/*', respond: { status: 204 } }];

test('with admin.token the metrics want it and health does not', async () => {
  const gateway = await startGateway({ config: { routes, admin: { token: 't0ken' } } });
  assert.equal((await fetch(`${gateway.adminUrl}/health/ready`)).status, 200);
  const refused = await fetch(`${gateway.adminUrl}/metrics`);
  assert.equal(refused.status, 401);
  assert.equal(refused.headers.get('content-type'), 'application/problem+json');
  const allowed = await fetch(`${gateway.adminUrl}/metrics`, { headers: { authorization: 'Bearer t0ken' } });
  assert.equal(allowed.status, 200);
  assert.doesNotMatch(gateway.output(), /t0ken/);
});

test('admin.port 0 turns it off', async () => {
  const gateway = await startGateway({ config: { routes, admin: { port: 0 } }, waitFor: 'no' });
  const ready = await gateway.log((line) => line['msg'] === 'ready', 'the start');
  assert.equal(ready['admin'], null);
  const socket = connect(gateway.adminPort, '127.0.0.1');
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  assert.equal(error.code, 'ECONNREFUSED');
  assert.equal((await fetch(`${gateway.url}/health/ready`)).status, 200);
});

test('an admin port in use blocks the start, with the key to change', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  t.after(() => taken.close());
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  const gateway = await startGateway({ config: { routes, admin: { port } }, waitFor: 'no' });
  const { code } = await within(gateway.exit, 'the start to fail', 20_000);
  assert.equal(code, 1);
  assert.match(gateway.output(), new RegExp(`127\\.0\\.0\\.1:${port}.*in use.*admin\\.port`));
});

test('/config wants the token too, and shows no secret', async () => {
  const security = { auth: { type: 'apiKey', secret: 'hmac-s3cret' } };
  const gateway = await startGateway({ config: { routes, admin: { token: 't0ken' }, security } });
  const url = `${gateway.adminUrl}/config`;
  assert.equal((await fetch(url)).status, 401);
  const text = await (await fetch(url, { headers: { authorization: 'Bearer t0ken' } })).text();
  assert.match(text, /"token": "\[redacted\]"/);
  assert.doesNotMatch(text, /t0ken|hmac-s3cret/);
});

test('/config shows the config in force as it was understood', async () => {
  const gateway = await startGateway({ config: { routes } });
  const ask = async (): Promise<unknown> => {
    const response = await fetch(`${gateway.adminUrl}/config`);
    const { version, config } = (await response.json()) as { version: number; config: Config };
    return [version, config.routes[0]?.path, config.proxy.timeoutMs];
  };
  assert.deepEqual(await ask(), [1, '/*', 30_000]);
  await gateway.reload({ proxy: { timeout: '5s' }, routes: [{ path: '/other', respond: { status: 204 } }] });
  assert.deepEqual(await ask(), [2, '/other', 5_000]);
});
