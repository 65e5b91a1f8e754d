/** Sockets that a service manager holds outlive the gateway: restarts and upgrades lose nothing, whichever way they are done. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { test } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { holdSocket } from '../support/held-socket.ts';
import { startLoad } from '../support/load.ts';

const sockets = { proxy: holdSocket(), admin: holdSocket() };

/** Each answers with its name. */
async function start(name: string, waitFor: 'ready' | 'no'): Promise<Gateway> {
  const config = {
    proxy: { port: 1, shutdown: { delay: 0, timeout: 10_000 } },
    upstreams: [{ name: 'echo', builtin: 'echo' }],
    routes: [
      { path: '/who', respond: { status: 200, body: name } },
      { path: '/echo/*', upstream: 'echo' },
    ],
  };
  return await startGateway({ config, sockets, workers: 2, waitFor });
}

test('a gateway serves on the sockets that it was handed, and says so', async () => {
  const gateway = await start('first', 'ready');
  assert.equal(await who(gateway), 'first');
  const line = await gateway.log(({ msg }) => String(msg).startsWith('the listening socket was handed over'));
  assert.deepEqual([line['host'], line['port']], ['127.0.0.1', sockets.proxy.port]);
  assert.deepEqual(await gateway.stop(), { code: 0, signal: null });
});

test('side by side: the new one serves before the old one drains, and nothing is lost', async () => {
  const old = await start('old', 'ready');
  const load = startLoad(`${old.url}/who`);
  const upload = beginUpload(old);
  await load.more(50);
  const next = await start('new', 'no');
  // Health would be answered by either.
  const isReady = (): true | null => (next.logs.some(({ msg }) => msg === 'ready') ? true : null);
  await eventually(isReady, 'the new one to be ready', 30_000);
  await load.more(50);
  old.signal('SIGTERM');
  await old.log(({ msg }) => String(msg).startsWith('shutting down'), 'the old one to drain');
  // A body that is still under way holds the old one, while the new one answers everybody else.
  await eventually(async () => ((await who(next)) === 'new' ? true : null), 'an answer of the new one');
  await load.more(50);
  assert.equal(await upload.finish(), 200);
  assert.deepEqual(await old.exit, { code: 0, signal: null });
  await load.more(50);
  assert.deepEqual((await load.stop()).failures, []);
  assert.deepEqual(await next.stop(), { code: 0, signal: null });
});

test('one after the other: what comes while there is none waits for the next', async () => {
  const first = await start('first', 'ready');
  const load = startLoad(`${first.url}/who`);
  await load.more(50);
  assert.deepEqual(await first.stop(), { code: 0, signal: null });
  const waiting = who(first);
  const next = await start('next', 'ready');
  assert.equal(await waiting, 'next');
  await load.more(50);
  assert.deepEqual((await load.stop()).failures, []);
  await next.stop();
});

/** On a connection of its own. */
async function who({ url }: Gateway): Promise<string> {
  return await (await fetch(`${url}/who`, { headers: { Connection: 'close' } })).text();
}

/** A request whose body takes its time. */
function beginUpload({ url }: Gateway): { finish(): Promise<number> } {
  const request = http.request(`${url}/echo/slow`, { method: 'POST', agent: false });
  const answered = once(request, 'response') as Promise<[http.IncomingMessage]>;
  request.write('a');
  return {
    async finish() {
      request.end('b');
      const [answer] = await answered;
      answer.resume();
      await once(answer, 'end');
      return answer.statusCode ?? 0;
    },
  };
}
