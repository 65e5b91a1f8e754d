/** A body that is collected within the room that all bodies share: whole, or handed on where the room ended. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import type { Exchange } from '../../../src/contracts/exchange.ts';
import { ClientBody } from '../../../workers/client-body.ts';
import { CollectedBodies, GrowingBody } from '../../../workers/collected-bodies.ts';
import { within } from '../../support/deadline.ts';
import { ask } from '../../support/raw-client.ts';

const kb = 1024;

test('a growing body takes what it needs, in steps, and no more than may come', () => {
  const { room, sum } = roomFor(3000 * kb);
  const body = new GrowingBody(room, 1100 * kb);
  assert.ok(body.add(Buffer.alloc(60 * kb, 'a')));
  assert.equal(sum(), 64 * kb);
  assert.ok(body.add(Buffer.alloc(60 * kb, 'b')));
  assert.equal(sum(), 1024 * kb);
  assert.ok(body.add(Buffer.alloc(980 * kb, 'c')));
  assert.equal(sum(), 1100 * kb);
  assert.equal(body.bytes.toString(), 'a'.repeat(60 * kb) + 'b'.repeat(60 * kb) + 'c'.repeat(980 * kb));
  assert.ok(body.bytes.buffer instanceof SharedArrayBuffer);
  body.release();
  body.release();
  assert.equal(sum(), 0);
});

test('bodies together stay within their room', () => {
  const { room, sum } = roomFor(200 * kb);
  const bodies = [1, 2, 3, 4].map(() => new GrowingBody(room, 500 * kb));
  assert.deepEqual(
    bodies.map((body) => body.add(Buffer.alloc(kb))),
    [true, true, true, false],
  );
  bodies[0]?.release();
  assert.equal(bodies[3]?.add(Buffer.alloc(kb)), true);
  assert.equal(sum(), 192 * kb);
});

test('a body with room is whole', async () => {
  const { room, sum } = roomFor(500 * kb);
  const text = 'x'.repeat(100 * kb);
  const port = await serveBodies(room, async (body) => {
    assert.equal(await body.collect(500 * kb, 0, 0), 'whole');
    assert.ok(sum() >= 100 * kb);
    return body.whole?.toString() ?? '';
  });
  assert.equal((await ask(port, request(text), 'POST')).text(), text);
  await within(given(sum), 'the room to be given back');
});

test('a body that has no room can still be streamed, from its first byte', async () => {
  const { room, sum } = roomFor(150 * kb);
  const text = Array.from({ length: 40_000 }, (_, i) => String(i)).join(' ');
  const port = await serveBodies(room, async (body) => {
    assert.equal(await body.collect(500 * kb, 0, 0), 'no room');
    assert.equal(sum(), 0);
    const chunks: Buffer[] = [];
    for await (const chunk of body.open(500 * kb, 0, { bodyFailed: () => {} })) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString();
  });
  assert.equal((await ask(port, request(text), 'POST')).text(), text);
});

function roomFor(bytes: number): { room: CollectedBodies; sum: () => number } {
  let sum = 0;
  const room = new CollectedBodies((change) => {
    sum += change;
  }, bytes);
  return { room, sum: () => sum };
}

async function given(sum: () => number): Promise<void> {
  while (sum() > 0) await new Promise(setImmediate);
}

async function serveBodies(room: CollectedBodies, answer: (body: ClientBody) => Promise<string>): Promise<number> {
  const server = createServer((incoming: IncomingMessage, response: ServerResponse) => {
    const exchange = { bytesIn: 0, startedAt: performance.now() } as Exchange;
    const body = new ClientBody(incoming, response, exchange, room, Number(incoming.headers['content-length']), false);
    answer(body).then(
      (text) => response.end(text),
      (error: Error) => response.end(error.message),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(() => server.close());
  return (server.address() as AddressInfo).port;
}

function request(body: string): string {
  return `POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}
