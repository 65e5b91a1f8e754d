/** API keys: who shows none, a wrong one or two is refused, and the key itself goes no further than the gateway. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { metric } from '../support/metric.ts';
import { ask, type RawResponse, rawClient } from '../support/raw-client.ts';
import { recordingUpstream } from '../support/recording-upstream.ts';

const secret = 'the secret of this test';
const folder = mkdtempSync(join(tmpdir(), 'sluice-keys-'));
after(() => rmSync(folder, { recursive: true }));

const upstream = await recordingUpstream();
const keyA = 'slk_key-of-client-a';
const keyA2 = 'slk_second-key-of-client-a';
const keyB = 'slk_key-of-client-b';
const keyInFile = 'slk_key-in-the-file';
const page = 'https://app.example.com';
const gateway = await startGateway({ config: configWith({}) });

test('a known key passes, and the upstream hears the name instead of the key', async () => {
  const answer = await get('/required', `X-API-Key: ${keyA}\r\nX-Consumer-Name: Client B\r\n`);
  assert.equal(answer.status, 200);
  const request = await upstream.arrival('/required');
  assert.deepEqual(request.values('x-consumer-name'), ['Client A']);
  assert.equal(request.header('x-api-key'), null);
  const line = await gateway.accessLog(answer.header('x-request-id') ?? '');
  assert.equal(line['consumer'], 'Client A');
});

test('two keys may carry one name, so that they can be rotated; the name of the field is read in any case', async () => {
  assert.equal((await get('/required', `x-api-KEY: ${keyA2}\r\n`)).status, 200);
  assert.equal((await upstream.arrival('/required')).header('x-consumer-name'), 'Client A');
});

const refused: readonly (readonly [what: string, fields: string, reason: string])[] = [
  ['no key', '', 'missing'],
  ['an unknown key', 'X-API-Key: slk_unknown\r\n', 'unknown'],
  ['the stored hash of a key', `X-API-Key: ${digest(keyA)}\r\n`, 'unknown'],
  ['the stored text that is no hash', 'X-API-Key: no-digest\r\n', 'unknown'],
  ['a key with something behind it', `X-API-Key: ${keyA}x\r\n`, 'unknown'],
  ['a key in another case', `X-API-Key: ${keyA.toUpperCase()}\r\n`, 'unknown'],
  ['two keys in one field', `X-API-Key: ${keyA}, ${keyB}\r\n`, 'unknown'],
  ['a key of 8 kB', `X-API-Key: ${'k'.repeat(8_000)}\r\n`, 'unknown'],
  ['an empty key', 'X-API-Key:\r\n', 'empty'],
  ['a key of spaces', 'X-API-Key:   \r\n', 'empty'],
  ['the key twice', `X-API-Key: ${keyA}\r\nX-API-Key: ${keyA}\r\n`, 'repeated'],
  ['two keys', `X-API-Key: ${keyA}\r\nx-api-key: ${keyB}\r\n`, 'repeated'],
  ['an empty key beside a good one', `X-API-Key:\r\nX-API-Key: ${keyA}\r\n`, 'repeated'],
  ['the key in a field that only looks alike', `X_API_Key: ${keyA}\r\n`, 'missing'],
  ['the name of a consumer', 'X-Consumer-Name: Client A\r\n', 'missing'],
];

for (const [what, fields] of refused) {
  test(`${what} is refused with 401`, async () => {
    assertUnauthorized(await get('/required', fields));
    assert.equal(upstream.requestsTo('/required').length, 2);
  });
}

test('refusals are counted by route and reason', async () => {
  for (const reason of ['missing', 'empty', 'repeated', 'unknown']) {
    const count = refused.filter((line) => line[2] === reason).length;
    await becomes(count, 'auth_failures_total', { route: 'required', reason });
  }
});

test('with auth: optional strangers pass, the known are named, and the wrong are refused', async () => {
  assert.equal((await get('/optional', '')).status, 200);
  assert.equal((await upstream.arrival('/optional')).header('x-consumer-name'), null);
  assert.equal((await get('/optional', `X-API-Key: ${keyB}\r\n`)).status, 200);
  const request = await upstream.arrival('/optional');
  assert.equal(request.header('x-consumer-name'), 'Client B');
  assert.equal(request.header('x-api-key'), null);
  for (const [, fields, reason] of refused) {
    if (reason !== 'missing') assertUnauthorized(await get('/optional', fields));
  }
  assert.equal(upstream.requestsTo('/optional').length, 2);
});

test('with auth: none nobody is asked or named, and the key is not sent on all the same', async () => {
  const fields = `X-API-Key: ${keyA}\r\nx-api-key: other\r\nX_Api-Key: ${keyB}\r\nX-API-Keys: 1\r\nConnection: X-API-Key\r\n`;
  assert.equal((await get('/open', fields)).status, 200);
  const request = await upstream.arrival('/open');
  assert.deepEqual(
    request.fields.filter(([name]) => /key/i.test(name)),
    [['X-API-Keys', '1']],
  );
  assert.equal(request.header('x-consumer-name'), null);
});

test('nobody can say a name in a field that some servers read as X-Consumer-Name', async () => {
  const fields =
    'X_Consumer_Name: Client A\r\nx-consumer_name: Client A\r\nX_Forwarded-For: 6.6.6.6\r\nX_Other: kept\r\n';
  assert.equal((await get('/open', fields)).status, 200);
  const request = await upstream.arrival('/open');
  assert.deepEqual(
    request.fields.filter(([name]) => name.includes('_')),
    [['X_Other', 'kept']],
  );
});

test('naming the key in Connection does not hide it', async () => {
  const answer = await get('/required', `X-API-Key: ${keyA}\r\nConnection: close, X-API-Key\r\n`);
  assert.equal(answer.status, 200);
  assert.equal((await upstream.arrival('/required')).header('x-consumer-name'), 'Client A');
});

test('a route says what the upstream gets in the same field', async () => {
  assert.equal((await get('/exchanged', `X-API-Key: ${keyA}\r\n`)).status, 200);
  assert.deepEqual((await upstream.arrival('/exchanged')).values('x-api-key'), ['of the upstream']);
});

test('an answer of the config needs a key as well', async () => {
  assertUnauthorized(await get('/answered', ''));
  assert.equal((await get('/answered', `X-API-Key: ${keyB}\r\n`)).text(), 'hi');
});

test('a WebSocket is opened with a key only, and the upstream does not see it', async () => {
  const handshake = (fields: string): string =>
    'GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
    `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${fields}\r\n`;
  assert.equal((await ask(gateway.port, handshake(''))).status, 401);
  assert.equal(upstream.requestsTo('/socket').length, 0);
  await ask(gateway.port, handshake(`X-API-Key: ${keyA}\r\n`));
  const request = await upstream.arrival('/socket');
  assert.equal(request.header('upgrade'), 'websocket');
  assert.equal(request.header('x-api-key'), null);
  assert.equal(request.header('x-consumer-name'), 'Client A');
});

test('a consumer that the route does not name gets 403, and so does a stranger', async () => {
  assert.equal((await get('/consumers', `X-API-Key: ${keyB}\r\n`)).status, 200);
  const route = 'consumers';
  const other = await get('/consumers', `X-API-Key: ${keyA}\r\n`);
  assert.deepEqual([other.status, other.json()['code']], [403, 'forbidden']);
  assert.equal(other.header('www-authenticate'), null);
  const line = await gateway.accessLog(other.header('x-request-id') ?? '');
  assert.deepEqual([line['consumer'], line['code']], ['Client A', 'forbidden']);
  assert.equal((await get('/consumers', '')).status, 403);
  assert.equal((await get('/consumers', 'X-API-Key: wrong\r\n')).status, 401);
  await becomes(2, 'auth_failures_total', { route, reason: 'forbidden' });
  await becomes(1, 'auth_failures_total', { route, reason: 'unknown' });
  assert.equal(upstream.requestsTo('/consumers').length, 1);
});

test('routes that say nothing do as security.auth.default says, health and metrics are open', async () => {
  assertUnauthorized(await get('/default', ''));
  assert.equal((await get('/default', `X-API-Key: ${keyA}\r\n`)).status, 200);
  assert.equal((await get('/health/ready', '')).status, 200);
  assert.equal((await get('/metrics', '')).status, 200);
});

test('a preflight is answered without a key; the request that it announces needs one, and pages can read the refusal', async () => {
  const origin = `Origin: ${page}\r\n`;
  const preflight = await ask(
    gateway.port,
    `OPTIONS /cors HTTP/1.1\r\nHost: a\r\n${origin}Access-Control-Request-Method: PUT\r\n\r\n`,
    'OPTIONS',
  );
  assert.equal(preflight.status, 204);
  assert.equal(preflight.header('access-control-allow-origin'), page);
  const answer = await get('/cors', origin);
  assertUnauthorized(answer);
  assert.equal(answer.header('access-control-allow-origin'), page);
  // An OPTIONS that is no preflight is a request like any other.
  assert.equal((await ask(gateway.port, `OPTIONS /cors HTTP/1.1\r\nHost: a\r\n${origin}\r\n`, 'OPTIONS')).status, 401);
  assert.equal(upstream.requestsTo('/cors').length, 0);
});

test('a refused upload is not asked for its body', async () => {
  const client = await rawClient(gateway.port);
  client.write('POST /required HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n');
  const answer = await client.finalResponse('POST');
  assert.equal(answer?.status, 401);
  assert.equal(answer?.header('connection'), 'close');
  assert.doesNotMatch(client.received.toString('latin1'), /100 Continue/);
  client.destroy();
});

test('a shadowed policy lets pass, counts and logs what it would have refused with, and still names whom it knows', async () => {
  const stranger = await get('/shadow', `X-API-Key: wrong\r\n`);
  assert.equal(stranger.status, 200);
  const request = await upstream.arrival('/shadow');
  assert.equal(request.header('x-api-key'), null);
  assert.equal(request.header('x-consumer-name'), null);
  const line = await gateway.accessLog(stranger.header('x-request-id') ?? '');
  assert.deepEqual(line['shadow'], ['unauthorized', 'forbidden']);
  assert.equal(line['code'], undefined);

  const known = await get('/shadow', `X-API-Key: ${keyA}\r\n`);
  assert.equal((await upstream.arrival('/shadow')).header('x-consumer-name'), 'Client A');
  assert.deepEqual((await gateway.accessLog(known.header('x-request-id') ?? ''))['shadow'], ['forbidden']);

  const welcome = await get('/shadow', `X-API-Key: ${keyB}\r\n`);
  assert.equal((await gateway.accessLog(welcome.header('x-request-id') ?? ''))['shadow'], undefined);
  const route = 'shadow';
  await becomes(1, 'shadow_decisions_total', { route, policy: 'auth' });
  await becomes(2, 'shadow_decisions_total', { route, policy: 'consumers' });
  assert.equal(await metric(gateway.adminUrl, 'auth_failures_total', { route }), 0);
});

test('a shadowed auth does not open a route whose consumers are enforced', async () => {
  assert.equal((await get('/half-shadow', '')).status, 403);
  assert.equal((await get('/half-shadow', `X-API-Key: ${keyB}\r\n`)).status, 200);
});

test('security.auth in shadow mode shadows the auth of every route', async () => {
  const tried = await startGateway({ config: configWith({ mode: 'shadow' }) });
  const answer = await get('/default', '', tried);
  assert.equal(answer.status, 200);
  await tried.accessLog(answer.header('x-request-id') ?? '');
  assert.equal((await get('/optional', 'X-API-Key: wrong\r\n', tried)).status, 200);
  await becomes(2, 'shadow_decisions_total', { policy: 'auth' }, tried);
});

test('keys of the file count, and are read again on reload', async () => {
  const file = join(folder, 'keys.yml');
  writeFileSync(file, JSON.stringify([{ key: digest(keyInFile), name: 'From a file' }]));
  const reading = await startGateway({ config: configWith({ keysFile: file }), workers: 2 });
  assert.equal((await get('/default', `X-API-Key: ${keyInFile}\r\n`, reading)).status, 200);
  assert.equal((await get('/default', `X-API-Key: ${keyA}\r\n`, reading)).status, 200);
  writeFileSync(file, '[]');
  assert.equal(await reading.reload(configWith({ keysFile: file })), 'accepted');
  for (let i = 0; i < 6; i++) {
    assertUnauthorized(await get('/default', `X-API-Key: ${keyInFile}\r\n`, reading));
  }
  const { changes } = await reading.log((line) => Array.isArray(line['changes']), 'the changes');
  assert.deepEqual(changes, ['security changed: auth']);
  writeFileSync(file, '- { key: x');
  assert.equal(await reading.reload(configWith({ keysFile: file })), 'rejected');
  assert.equal((await get('/default', `X-API-Key: ${keyA}\r\n`, reading)).status, 200);
  assertKeepsSecrets(reading);
});

test('without a secret digests are plain SHA-256, and the field may have another name', async () => {
  const plain = '60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752';
  const config = configWith({ secret: undefined, header: 'Authorization', keys: [{ key: plain, name: 'Plain' }] });
  const other = await startGateway({ config });
  assert.equal((await get('/required', 'Authorization: test2\r\n', other)).status, 200);
  const request = await upstream.arrival('/required');
  assert.equal(request.header('x-consumer-name'), 'Plain');
  assert.equal(request.header('authorization'), null);
  assert.equal((await get('/required', `Authorization: ${plain}\r\n`, other)).status, 401);
});

test('auth: required without any key is closed to all, optional knows nobody, and no field is taken away', async () => {
  const config = {
    upstreams: [{ name: 'api', url: upstream.url }],
    routes: [
      { path: '/closed', upstream: 'api', auth: 'required' },
      { path: '/anybody', upstream: 'api', auth: 'optional' },
    ],
  };
  const keyless = await startGateway({ config });
  for (const fields of ['', `X-API-Key: ${keyA}\r\n`]) assertUnauthorized(await get('/closed', fields, keyless));
  assert.equal((await get('/anybody', 'X-API-Key: of the upstream\r\n', keyless)).status, 200);
  assert.equal((await upstream.arrival('/anybody')).header('x-api-key'), 'of the upstream');
  assert.equal(upstream.requestsTo('/closed').length, 0);
});

test('no key has reached the upstream, the log or the metrics', async () => {
  for (const key of [keyA, keyA2, keyB, keyInFile]) assert.ok(!upstream.saw(key), `${key} at the upstream`);
  assert.ok(!upstream.saw(digest(keyA)));
  assert.deepEqual(upstream.violations, []);
  assertKeepsSecrets(gateway);
  assert.doesNotMatch(await (await fetch(`${gateway.adminUrl}/metrics`)).text(), /slk_/);
});

function configWith(auth: object): object {
  const required = { upstream: 'api', auth: 'required' };
  return {
    upstreams: [{ name: 'api', url: upstream.url }],
    security: {
      auth: {
        type: 'apiKey',
        secret,
        default: 'required',
        keys: [
          { key: digest(keyA).toUpperCase(), name: 'Client A' },
          { key: digest(keyA2), name: 'Client A' },
          { key: digest(keyB), name: 'Client B' },
          { key: 'no-digest', name: 'Client C' },
        ],
        ...auth,
      },
    },
    routes: [
      { name: 'required', path: '/required', ...required },
      { path: '/optional', upstream: 'api', auth: 'optional' },
      { path: '/open', upstream: 'api', auth: 'none' },
      { path: '/default', upstream: 'api' },
      { path: '/socket', upstream: 'api' },
      { path: '/exchanged', ...required, request: { headers: { set: { 'X-API-Key': 'of the upstream' } } } },
      { path: '/answered', auth: 'required', respond: { body: 'hi' } },
      { path: '/cors', ...required, cors: { origins: [page], methods: ['PUT'] } },
      { name: 'consumers', path: '/consumers', upstream: 'api', auth: 'optional', consumers: ['Client B'] },
      {
        name: 'shadow',
        path: '/shadow',
        upstream: 'api',
        auth: { require: 'required', mode: 'shadow' },
        consumers: { allow: ['Client B'], mode: 'shadow' },
      },
      {
        path: '/half-shadow',
        upstream: 'api',
        auth: { require: 'required', mode: 'shadow' },
        consumers: ['Client B'],
      },
    ],
  };
}

function digest(key: string): string {
  return createHmac('sha256', secret).update(key).digest('hex');
}

function get(path: string, fields: string, from: Gateway = gateway): Promise<RawResponse> {
  return ask(from.port, `GET ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`);
}

function assertUnauthorized(answer: RawResponse): void {
  assert.equal(answer.status, 401);
  assert.equal(answer.json()['code'], 'unauthorized');
  assert.match(answer.header('www-authenticate') ?? '', /^ApiKey realm="/);
  assert.doesNotMatch(answer.text(), /slk_|[0-9a-f]{64}/);
}

function assertKeepsSecrets({ stdout, stderr }: Gateway): void {
  assert.doesNotMatch(stdout + stderr, /slk_|the secret of this test/);
  assert.ok(!(stdout + stderr).includes(digest(keyA)));
}

async function becomes(
  value: number,
  name: string,
  labels: Readonly<Record<string, string>>,
  of: Gateway = gateway,
): Promise<void> {
  const what = `${name} ${JSON.stringify(labels)} to be ${value}`;
  await eventually(async () => ((await metric(of.adminUrl, name, labels)) === value ? true : null), what);
}
