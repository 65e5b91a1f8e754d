/** A streamed body for several tries: each gets all of it, as long as it is small enough to be kept. */
import assert from 'node:assert/strict';
import { PassThrough, type Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { RequestBody } from '../../../src/contracts/request-body.ts';
import { OutgoingBody } from '../../../src/forward/outgoing-body.ts';

test('the second try gets what the first has read, and the rest as it comes', async () => {
  const { source, body } = streamed(1_000);
  const first = next(body);
  source.write('one ');
  assert.equal(await firstChunk(first), 'one ');
  first.destroy();
  assert.equal(body.isRepeatable, true);
  const second = text(next(body));
  source.end('two');
  assert.equal(await second, 'one two');
});

test('a body that has come whole is given again and again', async () => {
  const { source, body } = streamed(1_000);
  source.end('whole');
  for (let i = 0; i < 3; i++) assert.equal(await text(next(body)), 'whole');
});

test('what comes while no try is under way waits', async () => {
  const { source, body } = streamed(1_000);
  const first = next(body);
  source.write('one ');
  await firstChunk(first);
  first.destroy();
  source.write('two ');
  await new Promise(setImmediate);
  const second = text(next(body));
  source.end('three');
  assert.equal(await second, 'one two three');
});

test('a body beyond the limit goes out whole, once', async () => {
  const { source, body } = streamed(10);
  const first = text(next(body));
  source.write('a'.repeat(8));
  source.end('b'.repeat(8));
  assert.equal(await first, `${'a'.repeat(8)}${'b'.repeat(8)}`);
  assert.equal(body.isRepeatable, false);
});

test('a body of which nothing has been read can be sent by another try, however large', async () => {
  const { source, body } = streamed(0);
  next(body).destroy();
  assert.equal(body.isRepeatable, true);
  const second = text(next(body));
  source.end('all of it');
  assert.equal(await second, 'all of it');
});

test('a body that nobody will want again is not touched', () => {
  const { source, body } = streamed(-1);
  assert.equal(next(body), source);
  assert.equal(body.isRepeatable, false);
});

test('no body and a whole one are always there', () => {
  const none = new OutgoingBody(requestBody(null, 0, new PassThrough()), -1);
  assert.equal(none.next(0, 0, observer), null);
  assert.equal(none.isRepeatable, true);
  const whole = new OutgoingBody(requestBody(Buffer.from('x'), 1, new PassThrough()), -1);
  assert.deepEqual(whole.next(0, 0, observer), Buffer.from('x'));
  assert.equal(whole.isRepeatable, true);
});

const observer = { bodyFailed: () => {} };

function streamed(keepBytes: number): { source: PassThrough; body: OutgoingBody } {
  const source = new PassThrough();
  return { source, body: new OutgoingBody(requestBody(null, null, source), keepBytes) };
}

function requestBody(whole: Buffer | null, declaredBytes: number | null, source: Readable): RequestBody {
  return { whole, declaredBytes, complete: false, open: () => source, collect: () => Promise.resolve('no room') };
}

function next(body: OutgoingBody): Readable {
  return body.next(0, 0, observer) as Readable;
}

function firstChunk(stream: Readable): Promise<string> {
  return new Promise((resolve) => stream.once('data', (chunk: Buffer) => resolve(chunk.toString())));
}
