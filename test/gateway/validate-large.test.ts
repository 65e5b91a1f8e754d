/** Large and compressed bodies are checked in threads: exactly as small ones, without holding anybody up, and bounded. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { eventually, within } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';
import { metric } from '../support/metric.ts';
import { type RawResponse, rawClient } from '../support/raw-client.ts';
import { recordingUpstream } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const list = { type: 'array', items: { type: 'object', required: ['n'], properties: { n: { type: 'integer' } } } };
/** One text of many "a" and a "b" takes it longer than anybody lives; `check` warns. */
const endless = { type: 'array', items: { type: 'string', pattern: '^(a+)+$' } };
/** Each item is held against a hundred others. */
const costly = { items: { anyOf: Array.from({ length: 100 }, (_, i) => ({ const: i })) } };
const config = {
  upstreams: [{ name: 'api', url: upstream.url }],
  routes: [
    { path: '/list', upstream: 'api', maxBodySize: '2mb', validate: { body: list } },
    { path: '/costly', upstream: 'api', validate: { body: costly } },
    { path: '/endless', upstream: 'api', timeout: 1500, validate: { body: endless } },
    {
      path: '/shadow',
      upstream: 'api',
      timeout: 3000,
      maxBodySize: '2mb',
      validate: { mode: 'shadow', body: endless },
    },
  ],
};
const gateway = await startGateway({ config });

const large = JSON.stringify(Array.from({ length: 100_000 }, (_, n) => ({ n })));

test('a large body that fits arrives byte for byte', async () => {
  assert.equal((await post('/list', Buffer.from(large))).status, 200);
  assert.equal((await upstream.arrival('/list')).body.bytes.toString(), large);
  await becomes(1, 'checked');
});

test('a small body that takes many steps is checked in a thread, too', async () => {
  const body = (item: number): Buffer => Buffer.from(JSON.stringify(Array.from({ length: 5_000 }, () => item)));
  assert.equal((await post('/costly', body(99))).status, 200);
  await becomes(2, 'checked');
  // A hundred violations are soon found.
  assert.match((await post('/costly', body(100))).text(), /fits none of the alternatives/);
});

test('a large body that does not fit is refused with all that is wrong', async () => {
  const wrong = large.replace('"n":5}', '"n":"5"}').replace('{"n":99999}', '{"m":1}');
  const answer = await post('/list', Buffer.from(wrong));
  assert.equal(answer.status, 400);
  const { errors } = answer.json() as { errors: { path: string }[] };
  assert.deepEqual(
    errors.map(({ path }) => path),
    ['/5/n', '/99999/n'],
  );
});

test('a large body that parsers would read differently is refused', async () => {
  const answer = await post('/list', Buffer.from(large.replace('{"n":70000}', '{"n":1,"n":70000}')));
  assert.match(answer.text(), /70000\/n.*twice/);
});

const codings = {
  gzip: gzipSync,
  'x-gzip': gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
  zstd: zstdCompressSync,
};

for (const [coding, compress] of Object.entries(codings)) {
  test(`${coding}: judged by what is inside, and passed on as it came`, async () => {
    const fits = compress(Buffer.from('[{"n":1}]'));
    assert.equal((await post('/list', fits, coding)).status, 200);
    const request = upstream.requestsTo('/list').at(-1);
    assert.deepEqual((await request?.received)?.bytes, fits);
    assert.equal(request?.header('content-encoding'), coding);
    assert.match((await post('/list', compress(Buffer.from('[{"n":"1"}]')), coding)).text(), /"\/0\/n"/);
  });

  test(`${coding}: a small body that becomes too large is refused with 413`, async () => {
    const bomb = compress(Buffer.alloc(2 * 1024 * 1024 + 1, ' '));
    assert.ok(bomb.length < 20_000);
    const answer = await post('/list', bomb, coding);
    assert.equal(answer.status, 413);
    assert.equal(answer.json()['code'], 'body_too_large');
  });

  test(`${coding}: broken, cut, or with something behind its end is refused`, async () => {
    const fits = compress(Buffer.from('[{"n":1}]'));
    for (const bytes of [Buffer.from('[{"n":1}]'), fits.subarray(0, -3), Buffer.concat([fits, Buffer.from('xyz')])]) {
      const answer = await post('/list', bytes, coding);
      assert.equal(answer.status, 400);
      assert.equal(answer.json()['code'], 'validation_failed');
    }
  });
}

test('bodies that would be checked forever cost nobody but themselves', async () => {
  const text = Buffer.from(`["${'a'.repeat(70_000)}b"]`);
  const hostile = Array.from({ length: 4 }, () => post('/endless', text));
  // Both threads are busy with two of them.
  assert.equal((await post('/list', Buffer.from('[{"n":1}]'))).status, 200);
  for (const answer of await Promise.all(hostile)) {
    assert.equal(answer.status, 503);
    assert.equal(answer.json()['code'], 'overloaded');
    assert.equal(answer.header('retry-after'), '1');
  }
  assert.equal(upstream.requestsTo('/endless').length, 0);
  assert.equal((await post('/list', Buffer.from(large))).status, 200);
  await becomes(4, 'late');
  const line = await gateway.log(({ msg }) => String(msg).startsWith('a request body could not be checked'));
  assert.equal(line['level'], 40);
  assert.equal(gateway.workers().length, 1);
});

test('a small body is no danger either where the schema has a pattern that may take forever', async () => {
  const small = post('/endless', Buffer.from(`["${'a'.repeat(60)}b"]`));
  assert.equal((await post('/list', Buffer.from('[{"n":1}]'))).status, 200);
  assert.equal((await small).status, 503);
  assert.equal((await post('/endless', Buffer.from('["aaa"]'))).status, 200);
  assert.match((await post('/endless', Buffer.from('["b"]'))).text(), /does not match the pattern/);
  assert.equal(gateway.workers().length, 1);
});

test('what could only be tried out, and was not, passes', async () => {
  const text = Buffer.from(`["${'a'.repeat(70_000)}b"]`);
  const shadow = upstream.arrival('/shadow');
  const answer = post('/shadow', text);
  assert.deepEqual((await (await shadow).received).bytes, text);
  assert.notEqual((await answer).status, 503);
});

test('a request is judged by the config that it began with, whatever is reloaded meanwhile', async () => {
  const client = await rawClient(gateway.port);
  const half = Buffer.from(large);
  client.write(head('/list', half.length, ''), half.subarray(0, 500_000));
  await post('/list', Buffer.from('[{"n":1}]'));
  const strict = {
    ...config,
    routes: [{ path: '/list', upstream: 'api', maxBodySize: '2mb', validate: { body: false } }],
  };
  assert.equal(await gateway.reload(strict), 'accepted');
  assert.equal((await post('/list', Buffer.from('[{"n":1}]'))).status, 400);
  client.write(half.subarray(500_000));
  assert.equal((await client.response('POST'))?.status, 200);
  client.destroy();
});

test('a drain waits for bodies that are being checked, and their threads hold nobody back', async () => {
  assert.equal(await gateway.reload(config), 'accepted');
  const client = await rawClient(gateway.port);
  const whole = Buffer.from(large);
  client.write(head('/list', whole.length, ''), whole);
  const end = gateway.log(({ route, status }) => route === '/list' && status === 200, 'the answer');
  const begun = upstream.requestsTo('/list').length;
  gateway.signal('SIGTERM');
  assert.equal((await client.response('POST'))?.status, 200);
  assert.equal(upstream.requestsTo('/list').length, begun + 1);
  await end;
  assert.deepEqual(await within(gateway.exit, 'the end'), { code: 0, signal: null });
});

/** Workers report each second. */
async function becomes(count: number, outcome: string): Promise<void> {
  const read = (): Promise<number> => metric(gateway.adminUrl, 'body_checks_total', { outcome });
  await eventually(async () => ((await read()) === count ? true : null), `${count} ${outcome}`);
}

async function post(path: string, body: Buffer, coding = ''): Promise<RawResponse> {
  const client = await rawClient(gateway.port);
  client.write(head(path, body.length, coding), body);
  const answer = await client.finalResponse('POST', 30_000);
  client.destroy();
  assert.ok(answer !== null, 'no answer');
  return answer;
}

function head(path: string, length: number, coding: string): string {
  const encoding = coding === '' ? '' : `Content-Encoding: ${coding}\r\n`;
  return `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n${encoding}Content-Length: ${length}\r\n\r\n`;
}
