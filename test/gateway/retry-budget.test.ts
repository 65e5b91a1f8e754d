/** Retries can't become a storm: an upstream that only fails sees little more than what clients have sent. */
import assert from 'node:assert/strict';
import http from 'node:http';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';
import { type ReceivedRequest, recordingUpstream, response } from '../support/recording-upstream.ts';

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
  // A supervisor that has no processor for longer than a grant is waited for grants nothing: then once more.
  await eventually(
    async () => {
      const before = upstream.requestsTo('/few').length;
      await sendFrom(1, 10, '/few');
      return upstream.requestsTo('/few').length - before === 40 ? true : null;
    },
    'ten requests that are tried four times each',
    20_000,
  );
});

for (const clients of [20, 60]) {
  test(`${clients} requests in flight on two workers, all failing: the upstream sees at most 1.2 times as many`, async () => {
    const path = `/storm-${clients}`;
    answerTogether(path, clients);
    // All of them go on to the end: with fewer in flight the node's three retries would be more than a fifth.
    const sent = await sendUntil(clients, clients * 40, path);
    const tries = upstream.requestsTo(path).length;
    assert.ok(tries > sent, 'some have been tried again');
    // Three: what the node has allowed before it had heard of both workers.
    assert.ok(tries <= sent * 1.2 + 3, `${tries} tries for ${sent} requests`);
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

/** Nothing is answered before that many requests are there, so that all are in flight however busy the machine; then with 503, each a little later. */
function answerTogether(path: string, count: number): void {
  let waiting: ReceivedRequest[] | null = [];
  const answer = (request: ReceivedRequest): void => void setTimeout(() => request.send(response(503, [], 'busy')), 20);
  upstream.on(path, (request) => {
    if (waiting === null) return answer(request);
    waiting.push(request);
    if (waiting.length < count) return;
    for (const each of waiting) answer(each);
    waiting = null;
  });
}

/** So many clients, each with so many requests. */
function sendFrom(clients: number, requests: number, path: string): Promise<number> {
  return send(clients, path, (_, own) => own < requests);
}

/** So many clients, all of which go on until there have been so many requests. */
function sendUntil(clients: number, requests: number, path: string): Promise<number> {
  return send(clients, path, (all) => all < requests);
}

/** So many clients, each with a connection of its own and one request after another. Answers how many there were. */
async function send(
  clients: number,
  path: string,
  goesOn: (sent: number, byThisOne: number) => boolean,
): Promise<number> {
  let sent = 0;
  const run = async (): Promise<void> => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    for (let own = 0; goesOn(sent, own); own++) {
      sent++;
      assert.match(await get(`${gateway.url}${path}`, agent), /^503 (busy)?$/);
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
