/**
 * Three times as much as the upstream serves, counted in rounds instead of seconds: in each round so many come, and then
 * the upstream answers what it has. High routes never wait for more than the round that is under way.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http, { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';
import { metric } from '../support/metric.ts';

/** What the upstream has at a time, and so what it serves in a round. */
const places = 10;
const held: ServerResponse[] = [];
const server = createServer((_request, response) => held.push(response)).listen(0, '127.0.0.1');
await once(server, 'listening');
after(() => {
  server.close();
  server.closeAllConnections();
});

const maxConcurrent = 60;
const gateway = await startGateway({
  config: {
    upstreams: [
      { name: 'api', url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, maxConnections: places },
    ],
    routes: [
      { path: '/low', upstream: 'api', priority: 'low' },
      { path: '/normal', upstream: 'api' },
      { path: '/high', upstream: 'api', priority: 'high' },
    ],
    // A machine that is busy with other things is none of this test's.
    overload: { maxConcurrent, maxEventLoopDelay: '1m' },
    logging: { level: 'warn' },
  },
});

interface Outcome {
  readonly path: string;
  readonly status: number;
  /** Rounds that ended while it was waiting. */
  readonly rounds: number;
}

const agent = new http.Agent({ keepAlive: true });
after(() => agent.destroy());
let round = 0;
let sent = 0;
const outcomes: Outcome[] = [];

test('high routes are served in the next round, normal ones before low ones, and the upstream is never idle', async () => {
  const goodput: number[] = [];
  for (let i = 0; i < 10; i++) {
    await send({ '/low': 14, '/normal': 13, '/high': 3 });
    assert.ok(sent - outcomes.length <= maxConcurrent, `${sent - outcomes.length} in flight`);
    goodput.push(await serve());
  }
  assert.deepEqual(
    goodput,
    goodput.map(() => places),
  );
  // Those of the last round are still under way.
  await serve();
  const high = outcomes.filter(({ path }) => path === '/high');
  assert.deepEqual([high.length, new Set(high.map(({ status }) => status))], [30, new Set([200])]);
  assert.ok(Math.max(...high.map(({ rounds }) => rounds)) <= 1);
  const [low, normal] = ['/low', '/normal'].map(servedOf) as [number, number];
  assert.ok(low < normal / 3, `${low} low, ${normal} normal`);
  assert.deepEqual(new Set(outcomes.map(({ status }) => status)), new Set([200, 503]));
});

test('as soon as less comes than the upstream serves, the line goes down, and all are served', async () => {
  while (sent > outcomes.length) await serve();
  assert.ok(round <= 20, `${round} rounds`);
  const before = outcomes.length;
  for (let i = 0; i < 3; i++) {
    await send({ '/low': 3, '/normal': 3, '/high': 2 });
    await serve();
  }
  const after = outcomes.slice(before);
  assert.deepEqual([after.length, new Set(after.map(({ status }) => status))], [24, new Set([200])]);
});

/** Resolves when each of them has been refused, waits, or is at the upstream. */
async function send(counts: Readonly<Record<string, number>>): Promise<void> {
  for (const [path, count] of Object.entries(counts)) for (let i = 0; i < count; i++) sendOne(path);
  await settled();
}

/** The upstream answers all that it has, and the next ones come. Answers how many have been served. */
async function serve(): Promise<number> {
  const before = servedOf();
  const answered = held.splice(0);
  for (const response of answered) response.end('served');
  await eventually(() => (servedOf() === before + answered.length ? true : null), 'the answers');
  round++;
  await settled();
  return answered.length;
}

async function settled(): Promise<void> {
  await eventually(async () => {
    // The question itself is in flight, too.
    const inFlight = (await metric(gateway.url, 'http_requests_in_flight')) - 1;
    const present = sent - outcomes.length;
    return inFlight === present && held.length === Math.min(present, places) ? true : null;
  }, 'every request to be answered, to wait, or to be at the upstream');
}

function sendOne(path: string): void {
  const sentIn = round;
  sent++;
  const request = http.get(`${gateway.url}${path}`, { agent }, (response) => {
    const note = (): void => void outcomes.push({ path, status: response.statusCode ?? 0, rounds: round - sentIn });
    response.resume().on('end', note);
  });
  request.on('error', () => outcomes.push({ path, status: 0, rounds: round - sentIn }));
}

function servedOf(path?: string): number {
  return outcomes.filter((outcome) => outcome.status === 200 && (path ?? outcome.path) === outcome.path).length;
}
