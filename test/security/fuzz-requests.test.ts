/**
 * Requests with random damage, and random bytes, at a real gateway: whatever comes, the upstream never sees more requests
 * than a strict reader finds in the same bytes, every answer is well-formed, and every connection comes to its end.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { countRequests } from '../support/count-requests.ts';
import { fuzzRuns } from '../support/fuzz.ts';
import { forwardAll, startGateway } from '../support/gateway.ts';
import { ask, rawClient } from '../support/raw-client.ts';
import { recordingUpstream } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const gateway = await startGateway({
  config: {
    overload: { mode: 'shadow' },
    ...forwardAll(upstream.url, { proxy: { timeouts: { headers: 1_000, idle: 1_000 } } }),
  },
});
const [worker] = gateway.workers();

/** Stands in every path, as long as the number of a case, which takes its place: it tells whose requests they are. */
const mark = /#####/g;

/** Behind every case: completes a head that was left open, and is refused or answered behind any other. */
const last = '\r\n\r\nGET /last-##### HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
/** In every body: what a shift of the frame would make a request of. */
const hidden = 'GET /hidden-##### HTTP/1.1\r\nHost: a\r\n\r\n';

const templates = [
  'GET /case-#####?q=1 HTTP/1.1\r\nHost: a\r\nX-A: b\r\n\r\n',
  `POST /case-##### HTTP/1.1\r\nHost: a\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
  `POST /case-##### HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`,
  `POST /case-##### HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nGET\r\n0\r\nX-T: ${'t'.repeat(9)}\r\n\r\n`,
  'GET http://a/case-##### HTTP/1.1\r\nHost: a\r\n\r\nGET /case-##### HTTP/1.1\r\nHost: a\r\n\r\n',
  `PUT /case-##### HTTP/1.0\r\nContent-Length: ${hidden.length}\r\nConnection: keep-alive\r\n\r\n${hidden}`,
  `GET /case-##### HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n${hidden}`,
  `POST /case-##### HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
];

/** What parsers stumble over. */
const words = [
  '\r',
  '\n',
  '\r\n',
  '\n\n',
  '\r\n\r\n',
  '\0',
  ' ',
  '\t',
  '\x0b',
  '\xa0',
  '\xff',
  ':',
  ';',
  ',',
  '"',
  '/',
  '?',
  '#',
  '%',
  '0',
  '5',
  'f',
  '-',
  '+',
  '_',
  'Content-Length: 0\r\n',
  'Content-Length: 5\r\n',
  'content-length:33\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: x\r\n',
  'Transfer-Encoding\r\n',
  'Host: b\r\n',
  'Connection: close\r\n',
  'Connection: content-length\r\n',
  'Expect: 100-continue\r\n',
  'Upgrade: h2c\r\n',
  'HTTP/1.0',
  'HTTP/2.0',
  ' HTTP/1.1\r\n',
  '0\r\n\r\n',
  '1\r\nx\r\n',
  hidden,
] as const;

const mutation = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  remove: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 12 })),
  insert: fc.oneof(fc.constant(''), fc.constantFrom(...words), fc.string({ unit: 'binary-ascii', maxLength: 3 })),
});
const damaged = fc
  .tuple(fc.constantFrom(...templates), fc.array(mutation, { minLength: 1, maxLength: 4 }))
  .map(([template, mutations]) =>
    mutations.reduce((text, { at, remove, insert }) => {
      const index = Math.floor(at * text.length);
      return text.slice(0, index) + insert + text.slice(index + remove);
    }, template),
  );
const random = fc
  .array(fc.constantFrom(...words, 'GET ', 'POST ', '/case-#####'), { maxLength: 30 })
  .map((some) => some.join(''));

test('no bytes make more requests at the upstream than a strict reader finds in them', async () => {
  const cases: { readonly id: string; readonly most: number }[] = [];
  await fc.assert(
    fc.asyncProperty(fc.oneof({ weight: 9, arbitrary: damaged }, random), async (text) => {
      const id = String(cases.length).padStart(5, '0');
      const bytes = (text + last).replace(mark, id);
      const most = countRequests(bytes);
      cases.push({ id, most });
      const client = await rawClient(gateway.port);
      client.write(bytes);
      const answers = await client.responsesUntilClosed(20);
      client.destroy();
      assert.ok(answers.length <= most + 1, `${answers.length} answers`);
      for (const [i, answer] of answers.entries()) {
        if (answer.status >= 400 && answer.status !== 404)
          assert.equal(i, answers.length - 1, 'a refusal is the last answer');
      }
      assert.ok(requestsOf(id) <= most, `${requestsOf(id)} requests of ${most}`);
    }),
    fuzzRuns(250),
  );
  // Those whose client was refused may have begun to arrive later.
  for (const { id, most } of cases) assert.ok(requestsOf(id) <= most, id);
  assert.ok(cases.some(({ most }) => most > 1));
});

test('undamaged, every one of them arrives', async () => {
  for (const [i, template] of templates.entries()) {
    const id = `u000${i}`;
    const client = await rawClient(gateway.port);
    client.write((template + last).replace(mark, id));
    assert.equal((await client.finalResponse())?.status, 200, template);
    assert.ok(requestsOf(id) >= 1);
    client.destroy();
  }
});

test('nothing but plain HTTP has reached the upstream, and the worker has lived through it', async () => {
  assert.deepEqual(upstream.violations, []);
  assert.equal((await ask(gateway.port, 'GET /alive HTTP/1.1\r\nHost: a\r\n\r\n')).status, 200);
  assert.deepEqual(gateway.workers(), [worker]);
});

test('every line of the log is JSON, whatever the requests held', () => {
  for (const line of gateway.stdout.split('\n').slice(0, -1)) assert.doesNotThrow(() => void JSON.parse(line), line);
});

function requestsOf(id: string): number {
  return upstream.requests.filter(({ target }) => target.includes(id)).length;
}
