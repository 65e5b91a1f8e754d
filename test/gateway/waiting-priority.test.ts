/** Who waits for a connection is served by priority, gives way to those who matter more, and is turned away when pressure rises. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';
import { metric } from '../support/metric.ts';
import { type RawResponse, rawClient } from '../support/raw-client.ts';
import { type ReceivedRequest, recordingUpstream, response } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const gateway = await startGateway({
  config: {
    upstreams: [
      { name: 'roomy', url: upstream.url, maxConnections: 1 },
      { name: 'tight', url: upstream.url, maxConnections: 1, maxPending: 2 },
    ],
    routes: ['roomy', 'tight'].flatMap((name) => [
      { path: `/${name}/low/*`, upstream: name, priority: 'low' },
      { path: `/${name}/normal/*`, upstream: name },
      { path: `/${name}/high/*`, upstream: name, priority: 'high' },
    ]),
    overload: { maxConcurrent: 10, maxEventLoopDelay: '1m' },
  },
});

test('high requests go first, then normal, then low; equals in the order in which they came', async () => {
  const held = await hold('/roomy/high/first');
  const waiting = [];
  for (const path of ['low/1', 'normal/1', 'low/2', 'high/1', 'normal/2', 'high/2']) {
    waiting.push(await line(`/roomy/${path}`));
  }
  const from = upstream.requests.length;
  held.release();
  for (const { answer } of waiting) assert.equal((await answer).status, 200);
  assert.deepEqual(
    upstream.requests.slice(from).map(({ target }) => target),
    ['high/1', 'high/2', 'normal/1', 'normal/2', 'low/1', 'low/2'].map((path) => `/roomy/${path}`),
  );
});

test('without a place left the last of those who matter least gives way; equals do not', async () => {
  const shedBefore = await shed('low');
  const held = await hold('/tight/high/first');
  const low = [await line('/tight/low/1'), await line('/tight/low/2')];
  const refused = await (await send('/tight/low/3')).answer;
  assert.deepEqual([refused.status, refused.json()['code']], [503, 'overloaded']);
  assert.ok(Number(refused.header('retry-after')) >= 1);
  const normal = await send('/tight/normal/1');
  const displaced = (await low[1]?.answer) ?? assert.fail();
  assert.deepEqual([displaced.status, displaced.json()['code']], [503, 'overloaded']);
  const high = await send('/tight/high/1');
  assert.equal((await low[0]?.answer)?.status, 503);
  assert.equal((await (await send('/tight/normal/2')).answer).status, 503);
  held.release();
  assert.deepEqual([(await normal.answer).status, (await high.answer).status], [200, 200]);
  assert.equal(upstream.requests.filter(({ target }) => target.startsWith('/tight/low')).length, 0);
  assert.equal((await shed('low')) - shedBefore, 3);
});

test('who waits is turned away when more are in flight than its priority bears, and no more of them than need be', async () => {
  const held = await hold('/roomy/high/holds');
  const low = [await line('/roomy/low/1'), await line('/roomy/low/2')];
  const others = [];
  // With these there are eight in flight; a low request would still be the ninth.
  for (let i = 0; i < 5; i++) others.push(await line('/roomy/normal/x'));
  others.push(await send('/roomy/normal/x'));
  assert.equal((await low[1]?.answer)?.status, 503);
  await eventually(async () => ((await inFlight()) === 8 ? true : null), 'the other one to wait on');
  others.push(await send('/roomy/high/x'));
  const turnedAway = (await low[0]?.answer) ?? assert.fail();
  assert.deepEqual([turnedAway.status, turnedAway.json()['code']], [503, 'overloaded']);
  held.release();
  for (const { answer } of others) assert.equal((await answer).status, 200);
});

/** In flight, as far as the test knows. */
let present = 0;

/** The only request at first, which the upstream has and does answer before it is told to. */
async function hold(path: string): Promise<{ release: () => void }> {
  let held: ReceivedRequest | null = null;
  upstream.on(path, (request) => {
    held = request;
  });
  const client = await rawClient(gateway.port);
  client.write(get(path));
  await upstream.arrival(path);
  present = 1;
  return {
    release: () => (held as ReceivedRequest | null)?.send(response(200)),
  };
}

interface Sent {
  readonly answer: Promise<RawResponse>;
}

async function send(path: string): Promise<Sent> {
  const client = await rawClient(gateway.port);
  client.write(get(path));
  return { answer: client.response().then((got) => got ?? assert.fail('closed without an answer')) };
}

/** A request that waits when this resolves. */
async function line(path: string): Promise<Sent> {
  const sent = await send(path);
  present++;
  await eventually(async () => ((await inFlight()) === present ? true : null), `${path} to wait`);
  return sent;
}

/** As the worker says in the same moment; the question itself is in flight, too. */
async function inFlight(): Promise<number> {
  return (await metric(gateway.url, 'http_requests_in_flight')) - 1;
}

function shed(priority: string): Promise<number> {
  return metric(gateway.url, 'shed_requests_total', { priority });
}

function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
}
