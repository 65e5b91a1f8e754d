/** Whoever shows the trace token is told, in Server-Timing, where the time of a request went; nobody else is. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { startGateway } from '../support/gateway.ts';
import { freePorts } from '../support/ports.ts';
import { ask, rawClient } from '../support/raw-client.ts';
import { recordingUpstream, response } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const [closedPort = 0] = await freePorts(1);
const token = 'only-for-operators';
const config = {
  proxy: { traceToken: token },
  security: { auth: { type: 'apiKey', keys: [], default: 'none' } },
  rateLimit: { global: { max: 1_000, windowMs: 1_000 } },
  upstreams: [
    { name: 'api', url: upstream.url, retries: 1 },
    { name: 'down', url: `http://127.0.0.1:${closedPort}` },
  ],
  routes: [
    { name: 'everything', path: '/*', upstream: 'api' },
    { name: 'fixed', path: '/fixed', respond: { status: 204 } },
    { name: 'down', path: '/down', upstream: 'down', auth: { require: 'required', mode: 'shadow' } },
    { name: 'locked', path: '/locked', upstream: 'api', auth: 'required' },
    { name: 'checked', path: '/checked', upstream: 'api', validate: { body: { type: 'object' } } },
    { name: 'replaced', path: '/replaced', upstream: 'down', fallback: 'api' },
  ],
};
const gateway = await startGateway({ config });

const traced = (path: string, shown = token): Promise<Answer> =>
  ask(gateway.port, `GET ${path} HTTP/1.1\r\nHost: a\r\nX-Sluice-Trace: ${shown}\r\n\r\n`);
type Answer = Awaited<ReturnType<typeof ask>>;

interface Metric {
  readonly ms: number | null;
  readonly description: string | null;
}

/** Reads the field as its specification says, and fails on what does not fit. */
function timesOf(answer: Answer): Map<string, Metric> {
  const metrics = new Map<string, Metric>();
  for (const item of (answer.header('server-timing') ?? '').split(', ')) {
    const match = /^([!#$%&'*+.^_`|~\w-]+)(?:;dur=(\d+(?:\.\d+)?))?(?:;desc="((?:[^"\\]|\\.)*)")?$/.exec(item);
    assert.ok(match !== null, item);
    metrics.set(match[1] as string, {
      ms: match[2] === undefined ? null : Number(match[2]),
      description: match[3] ?? null,
    });
  }
  return metrics;
}

test('a forwarded answer tells the time of each stage and of the upstream', async () => {
  upstream.on('/slow', async (request) => {
    await new Promise((resolve) => setTimeout(resolve, 60));
    request.send(response(200, [], 'ok'));
  });
  const answer = await traced('/slow');
  assert.deepEqual([answer.status, answer.text()], [200, 'ok']);
  const times = timesOf(answer);
  assert.deepEqual(
    [...times.keys()],
    ['admit', 'match', 'auth', 'limit', 'resolve', 'breaker', 'connect', 'send', 'upstream', 'total'],
  );
  assert.equal(times.get('match')?.description, 'everything');
  assert.equal(times.get('limit')?.description, 'admitted');
  assert.equal(times.get('upstream')?.description, 'api');
  // The timer of the upstream may be a millisecond early.
  assert.ok((times.get('upstream')?.ms ?? 0) >= 58, answer.header('server-timing') ?? '');
  const stages = [...times].filter(([name]) => name !== 'total').reduce((sum, [, { ms }]) => sum + (ms ?? 0), 0);
  assert.ok(stages <= (times.get('total')?.ms ?? 0) + 0.1, answer.header('server-timing') ?? '');
});

test('nobody else is told: without the token, with another one, with two, or under another name', async () => {
  for (const field of [
    '',
    'X-Sluice-Trace: only-for-operator\r\n',
    'X-Sluice-Trace:\r\n',
    `X-Sluice-Trace: ${token}\r\nX-Sluice-Trace: ${token}\r\n`,
    `X_Sluice_Trace: ${token}\r\n`,
  ]) {
    const answer = await ask(gateway.port, `GET /x HTTP/1.1\r\nHost: a\r\n${field}\r\n`);
    assert.deepEqual([answer.header('server-timing'), answer.header('vary')], [null, null], field);
  }
});

test('a cache is told to keep the answer for those who show the token', async () => {
  assert.equal((await traced('/x')).header('vary'), 'X-Sluice-Trace');
});

test('an upstream’s own Server-Timing stays, in front', async () => {
  upstream.on('/timed', (request) => request.send(response(200, [['Server-Timing', 'db;dur=5']], 'ok')));
  const values = (await traced('/timed')).values('server-timing');
  assert.equal(values.length, 2);
  assert.equal(values[0], 'db;dur=5');
  assert.match(values[1] ?? '', /upstream;dur=/);
});

test('answers of the gateway itself say why, how far they came, and no address', async () => {
  const fixed = timesOf(await traced('/fixed'));
  assert.equal(fixed.get('match')?.description, 'fixed');
  assert.equal(fixed.has('upstream'), false);

  const locked = timesOf(await traced('/locked'));
  assert.deepEqual([...locked.keys()], ['admit', 'match', 'auth', 'limit', 'total', 'refused']);
  assert.equal(locked.get('refused')?.description, 'unauthorized');

  const down = await traced('/down');
  const said = timesOf(down);
  assert.equal(said.get('refused')?.description, 'upstream_unreachable');
  assert.equal(said.get('shadow')?.description, 'unauthorized');
  assert.equal(said.has('connect') && !said.has('upstream'), true);
  assert.doesNotMatch(JSON.stringify(down.fields), new RegExp(`127\\.0\\.0\\.1|${closedPort}`));

  assert.equal(timesOf(await traced('/health/live')).has('total'), true);
  assert.equal(timesOf(await traced('/%00')).get('refused')?.description, 'bad_request');
});

test('a second try, and a fallback, are told and counted in', async () => {
  let asked = 0;
  upstream.on('/again', (request) => request.send(response(++asked === 1 ? 503 : 200, [], 'ok')));
  const again = timesOf(await traced('/again'));
  assert.equal(again.get('upstream')?.description, 'api (2 tries)');
  assert.equal(again.has('backoff'), true);
  assert.equal(timesOf(await traced('/replaced')).get('upstream')?.description, 'api for down (2 tries)');
});

test('the time of a body that is awaited to be checked belongs to the check', async () => {
  const client = await rawClient(gateway.port);
  client.write(
    `POST /checked HTTP/1.1\r\nHost: a\r\nX-Sluice-Trace: ${token}\r\nContent-Type: application/json\r\n` +
      'Content-Length: 7\r\nExpect: 100-continue\r\n\r\n',
  );
  assert.equal((await client.response('POST'))?.status, 100);
  await new Promise((resolve) => setTimeout(resolve, 60));
  client.write('{"a":1}');
  const answer = (await client.finalResponse('POST')) as Answer;
  assert.equal(answer.status, 200);
  assert.ok((timesOf(answer).get('validate')?.ms ?? 0) >= 58, answer.header('server-timing') ?? '');
  client.destroy();
});

test('a WebSocket’s 101 tells it too', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  after(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  const sockets = await startGateway({
    config: {
      proxy: { traceToken: token },
      upstreams: [{ name: 'ws', url: `http://127.0.0.1:${port}` }],
      routes: [{ path: '/*', upstream: 'ws' }],
    },
  });
  const socket = new WebSocket(`ws://127.0.0.1:${sockets.port}/`, { headers: { 'X-Sluice-Trace': token } });
  const fields = await new Promise<NodeJS.Dict<string | string[]>>((resolve) =>
    socket.once('upgrade', ({ headers }) => resolve(headers)),
  );
  assert.match(String(fields['server-timing']), /upstream;dur=.*desc="ws"/);
  socket.terminate();
});

test('the token goes no further: not to an upstream, right or wrong, and into no log line', async () => {
  await traced('/wrong', 'wrong-token');
  await ask(gateway.port, `GET /under HTTP/1.1\r\nHost: a\r\nX_Sluice_Trace: ${token}\r\nX-Request-Id: last\r\n\r\n`);
  await gateway.accessLog('last');
  assert.equal(upstream.saw(token) || upstream.saw('wrong-token'), false);
  assert.doesNotMatch(gateway.stdout + gateway.stderr, /only-for-operators|wrong-token/);
});

test('the token changes with a reload, and without one nobody is told and the field still goes no further', async () => {
  assert.equal(await gateway.reload({ ...config, proxy: { traceToken: 'another' } }), 'accepted');
  assert.equal((await traced('/x')).header('server-timing'), null);
  assert.notEqual((await traced('/x', 'another')).header('server-timing'), null);
  assert.equal(await gateway.reload({ ...config, proxy: {} }), 'accepted');
  assert.equal((await traced('/off', 'another')).header('server-timing'), null);
  assert.equal(upstream.saw('another'), false);
});
