/** Guessing keys and tokens: nothing but the key itself opens a route, in no other place and no other form, and no answer tells how near a guess was. */
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { ask, type RawResponse } from '../support/raw-client.ts';
import { recordingUpstream } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const secret = 'hmac-secret';
const key = 'slk_Sgb4PZ1vXq7C0dYk2mTn8w';
const digest = createHmac('sha256', secret).update(key).digest('hex');
const token = 'admin-token-of-some-length';
const gateway = await startGateway({
  config: {
    admin: { token },
    security: { auth: { type: 'apiKey', secret, keys: [{ key: digest, name: 'Somebody' }] } },
    upstreams: [{ name: 'api', url: upstream.url }],
    routes: [{ path: '/*', auth: 'required', upstream: 'api' }],
  },
});

const inField = (text: string): string => `X-API-Key: ${text}\r\n`;
const basic = Buffer.from(`${key}:${key}`).toString('base64');

const guesses: readonly (readonly [what: string, target: string, fields: string])[] = [
  ['the digest in the config', '/', inField(digest)],
  ['the digest in capitals', '/', inField(digest.toUpperCase())],
  ['the digest as base64', '/', inField(Buffer.from(digest, 'hex').toString('base64'))],
  ['the plain hash of the key', '/', inField(createHash('sha256').update(key).digest('hex'))],
  ['the digest of the digest', '/', inField(createHmac('sha256', secret).update(digest).digest('hex'))],
  ['the HMAC secret', '/', inField(secret)],
  ['all of the key but its end', '/', inField(key.slice(0, -1))],
  ['all of the key but its beginning', '/', inField(key.slice(1))],
  ['the prefix of all keys', '/', inField('slk_')],
  ['the key in another case', '/', inField(key.toLowerCase())],
  ['the key with a last character changed', '/', inField(`${key.slice(0, -1)}x`)],
  ['the key in quotes', '/', inField(`"${key}"`)],
  ['the key percent-encoded', '/', inField(key.replace('_', '%5F'))],
  ['the key with a byte above 127', '/', inField(`${key}\xa0`)],
  ['the key with a parameter', '/', inField(`${key};v=1`)],
  ['a pattern', '/', inField('*')],
  ['words of JavaScript', '/', inField('__proto__')],
  ['the key in the query', `/?X-API-Key=${key}&api_key=${key}&key=${key}`, ''],
  ['the key in the path', `/${key}`, ''],
  ['the key as a user', `http://${key}@a/`, ''],
  ['the key as a bearer token', '/', `Authorization: Bearer ${key}\r\n`],
  ['the key as a password', '/', `Authorization: Basic ${basic}\r\n`],
  ['the key in a cookie', '/', `Cookie: X-API-Key=${key}\r\n`],
  ['the key for a proxy', '/', `Proxy-Authorization: ${key}\r\n`],
  ['the key in a field with a suffix', '/', `X-API-Key2: ${key}\r\n`],
  ['the key in a trailer', '/', `Transfer-Encoding: chunked\r\nTrailer: X-API-Key\r\n`],
];

for (const [what, target, fields] of guesses) {
  test(`${what} opens nothing`, async () => {
    const isTrailer = what.includes('trailer');
    const body = isTrailer ? `0\r\nX-API-Key: ${key}\r\n\r\n` : '';
    const answer = await ask(gateway.port, `POST ${target} HTTP/1.1\r\nHost: a\r\n${fields}\r\n${body}`, 'POST');
    assert.ok(answer.status === 401 || (what === 'the key as a user' && answer.status === 400), String(answer.status));
    assert.deepEqual(upstream.requests, []);
  });
}

test('all wrong keys get the same answer: no guess learns how near it was', async () => {
  const answers = await Promise.all(
    [digest, secret, key.slice(0, -1), key.toLowerCase(), 'x', 'x'.repeat(6_000)].map((guess) =>
      ask(gateway.port, `GET / HTTP/1.1\r\nHost: a\r\n${inField(guess)}\r\n`),
    ),
  );
  assert.equal(new Set(answers.map(describe)).size, 1);
});

test('all wrong tokens of the admin listener get the same answer, and health wants none', async () => {
  const guess = (fields: string): Promise<RawResponse> =>
    ask(gateway.adminPort, `GET /metrics HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`);
  const wrong = [
    '',
    'Authorization: Bearer\r\n',
    `Authorization: Bearer ${token.slice(0, -1)}\r\n`,
    `Authorization: Bearer ${token}x\r\n`,
    `Authorization: Bearer ${token.toUpperCase()}\r\n`,
    `Authorization: ${token}\r\n`,
    `Authorization: Basic ${Buffer.from(`:${token}`).toString('base64')}\r\n`,
    `X-API-Key: ${key}\r\n`,
    `Cookie: token=${token}\r\n`,
  ];
  const answers = await Promise.all(wrong.map(guess));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([401]));
  assert.equal(new Set(answers.map(describe)).size, 1);
  assert.equal((await guess(`Authorization: Bearer ${token}\r\n`)).status, 200);
  assert.equal((await fetch(`${gateway.adminUrl}/health/live`)).status, 200);
});

test('the key itself opens the route, and goes no further', async () => {
  const answer = await ask(gateway.port, `GET /open HTTP/1.1\r\nHost: a\r\n${inField(key)}\r\n`);
  assert.equal(answer.status, 200);
  assert.equal(upstream.saw(key), false);
});

/** Everything that a guesser sees, but for what is different in every answer. */
function describe({ status, fields, body }: RawResponse): string {
  const kept = fields.filter(([name]) => !/^(date|x-request-id)$/i.test(name));
  const { requestId: _, instance: _path, ...problem } = JSON.parse(body.toString()) as Record<string, unknown>;
  const lengthless = kept.filter(([name]) => !/^content-length$/i.test(name));
  return JSON.stringify([status, lengthless, problem]);
}
