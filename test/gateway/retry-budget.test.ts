/** Retries can't become a storm: an upstream that only fails sees little more than what clients have sent. */
import assert from 'node:assert/strict';
import http from 'node:http';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';
import { recordingUpstream, response } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const gateway = await startGateway({
  workers: 2,
  config: {
    upstreams: [
      // No pause between tries: the budget alone keeps them few.
      { name: 'api', url: upstream.url, retries: { attempts: 3, on: ['5xx'], backoff: { base: 0, max: 0 } } },
    ],
    routes: [{ path: '/*', upstream: 'api' }],
  },
});

test('few requests are always tried again, whichever worker they come to', async () => {
  upstream.on('/few', (request) => request.send(response(503)));
  await sendFrom(1, 10, '/few');
  assert.equal(upstream.requestsTo('/few').length, 40);
});

for (const clients of [20, 60]) {
  test(`${clients} requests in flight on two workers, all failing: the upstream sees at most 1.2 times as many`, async () => {
    const path = `/storm-${clients}`;
    // So long that all of them are in flight, however busy the machine.
    upstream.on(path, (request) => void setTimeout(() => request.send(response(503, [], 'busy')), 20));
    const sent = await sendFrom(clients, 40, path);
    const tries = upstream.requestsTo(path).length;
    assert.equal(sent, clients * 40);
    assert.ok(tries > sent, 'some have been tried again');
    assert.ok(tries <= sent * 1.2, `${tries} tries for ${sent} requests`);
  });
}

test('no grant is lost: when it is quiet again there are as many as before', async () => {
  upstream.on('/three', (request) => request.send(response(503)));
  await eventually(
    async () => {
      const before = upstream.requestsTo('/three').length;
      await sendFrom(3, 1, '/three');
      return upstream.requestsTo('/three').length - before === 12 ? true : null;
    },
    'three requests that are tried four times each',
    20_000,
  );
});

/** So many clients, each with a connection of its own and one request after another. Answers how many there were. */
async function sendFrom(clients: number, requests: number, path: string): Promise<number> {
  let sent = 0;
  const run = async (): Promise<void> => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    for (let i = 0; i < requests; i++) {
      assert.match(await get(`${gateway.url}${path}`, agent), /^503 (busy)?$/);
      sent++;
    }
    agent.destroy();
  };
  await Promise.all(Array.from({ length: clients }, run));
  return sent;
}

/** Status and body. */
function get(url: string, agent: http.Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const take = (answer: http.IncomingMessage): void => {
      text(answer).then((body) => resolve(`${answer.statusCode} ${body}`), reject);
    };
    http.get(url, { agent }, take).on('error', reject);
  });
}
