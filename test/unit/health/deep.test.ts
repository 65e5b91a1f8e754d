/** Deep health against real listeners: who answers, who refuses, who never does. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { UpstreamConfig } from '../../../src/contracts/config.ts';
import { deepBody } from '../../../src/health/bodies.ts';
import { askInRounds, askUpstreams, type Door } from '../../../src/health/deep.ts';
import { freePorts } from '../../support/ports.ts';

test('an upstream is UP when one of its targets takes connections; one inside the gateway always is', async (t) => {
  const open = await listen(t);
  const [closed = 0] = await freePorts(1);
  const answers = await askUpstreams([
    upstream('both', `http://127.0.0.1:${open}`, `http://127.0.0.1:${closed}`),
    upstream('gone', `http://127.0.0.1:${closed}/base`),
    upstream('echo'),
  ]);
  const up = { target: `127.0.0.1:${open}`, status: 'UP' };
  const down = { target: `127.0.0.1:${closed}`, status: 'DOWN', reason: 'ECONNREFUSED' };
  assert.deepEqual(answers, [
    { name: 'both', status: 'UP', targets: [up, down] },
    { name: 'gone', status: 'DOWN', targets: [down] },
    { name: 'echo', status: 'UP', targets: [] },
  ]);
});

test('a target whose address never answers is DOWN after the timeout, and the others do not wait in line', async (t) => {
  const open = await listen(t);
  // Names that never resolve stand for addresses that never answer.
  const silent = Array.from({ length: 20 }, (_, i) => upstream(`s${i}`, `http://silent-${i}.test`));
  const startedAt = performance.now();
  const answers = await askUpstreams([...silent, upstream('open', `http://127.0.0.1:${open}`)], {
    timeoutMs: 200,
    door: { refuseHost: () => null, lookup: () => {} },
  });
  assert.ok(performance.now() - startedAt < 1500);
  assert.deepEqual(answers[0]?.targets, [{ target: 'silent-0.test:80', status: 'DOWN', reason: 'timeout' }]);
  assert.equal(answers.at(-1)?.status, 'UP');
});

test('what the door refuses is DOWN without being knocked at', async (t) => {
  const open = await listen(t);
  const objection = Object.assign(new Error('refused'), { code: 'REFUSED' });
  const door: Door = {
    refuseHost: (hostname) => (hostname === '127.0.0.1' ? objection : null),
    lookup: (_hostname, _options, callback) => callback(objection, []),
  };
  const answers = await askUpstreams(
    [upstream('literal', `http://127.0.0.1:${open}`), upstream('name', `http://localhost:${open}`)],
    { door },
  );
  assert.deepEqual(
    answers.map(({ targets }) => targets),
    [
      [{ target: `127.0.0.1:${open}`, status: 'DOWN', reason: 'REFUSED' }],
      [{ target: `localhost:${open}`, status: 'DOWN', reason: 'REFUSED' }],
    ],
  );
});

test('whoever asks while a round is under way gets its answers', async () => {
  let rounds = 0;
  const ask = askInRounds(async () => {
    rounds++;
    await new Promise(setImmediate);
    return [];
  });
  await Promise.all([ask(), ask(), ask()]);
  assert.equal(rounds, 1);
  await ask();
  assert.equal(rounds, 2);
});

test('deep health is DOWN when nothing can be reached or the gateway is not ready; addresses are told only when asked', () => {
  const ready = { ready: true, checks: { config: 'UP', upstreams: 'UP' } } as const;
  const up = { name: 'a', status: 'UP', targets: [{ target: 'a:80', status: 'UP' }] } as const;
  const down = { name: 'b', status: 'DOWN', targets: [{ target: 'b:80', status: 'DOWN', reason: 'timeout' }] } as const;
  assert.deepEqual(deepBody(ready, [up, down], 'names'), {
    status: 200,
    body: { status: 'UP', checks: ready.checks, upstreams: { a: 'UP', b: 'DOWN' } },
  });
  assert.equal(deepBody(ready, [down], 'names').status, 503);
  assert.equal(deepBody(ready, [], 'names').status, 200);
  assert.equal(deepBody({ ...ready, ready: false }, [up], 'names').status, 503);
  assert.deepEqual(deepBody(ready, [down], 'targets').body, {
    status: 'DOWN',
    checks: ready.checks,
    upstreams: { b: { status: 'DOWN', targets: down.targets } },
  });
});

async function listen(t: TestContext): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function upstream(name: string, ...urls: string[]): UpstreamConfig {
  return { name, targets: urls.map((url) => ({ url, weight: 1 })) } as unknown as UpstreamConfig;
}
