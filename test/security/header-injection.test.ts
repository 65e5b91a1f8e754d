/** Fields that a client has no right to say, and bytes that would make two fields, or two messages, of one. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { ask, rawClient } from '../support/raw-client.ts';
import { type ReceivedRequest, recordingUpstream } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const key = 'slk_the-key-of-somebody';
const digest = createHmac('sha256', 'hmac').update(key).digest('hex');
const gateway = await startGateway({
  config: {
    security: {
      auth: { type: 'apiKey', secret: 'hmac', keys: [{ key: digest, name: 'Somebody' }], default: 'optional' },
    },
    upstreams: [{ name: 'api', url: upstream.url }],
    routes: [
      { path: '/captured/:name/*', upstream: 'api', rewrite: '/to/:name/*' },
      { path: '/edited', upstream: 'api', request: { headers: { set: { 'X-Internal': 'gateway' } } } },
      { path: '/*', upstream: 'api' },
    ],
  },
});

/** What upstreams hear from the gateway, and what a stranger would have them hear. */
const owned: Readonly<Record<string, string>> = {
  'X-Forwarded-For': '6.6.6.6',
  'X-Forwarded-Proto': 'gopher',
  'X-Forwarded-Host': 'evil.example',
  'X-Forwarded-Port': '666',
  Forwarded: 'for=6.6.6.6;proto=gopher;host=evil.example',
  'X-Consumer-Name': 'Admin',
  traceparent: '00-forged-forged-01',
  'X-Request-Id': 'forged id',
};

/** Ways to write a field that some server takes for this one. */
const disguises: readonly (readonly [what: string, lines: (name: string, value: string) => string])[] = [
  ['plainly', (name, value) => `${name}: ${value}`],
  ['in capitals', (name, value) => `${name.toUpperCase()}: ${value}`],
  ['with underscores', (name, value) => `${name.replaceAll('-', '_')}: ${value}`],
  ['with one underscore', (name, value) => `${name.replace('-', '_')}: ${value}`],
  ['twice', (name, value) => `${name}: ${value}\r\n${name}: ${value}`],
  ['without a space', (name, value) => `${name}:${value}`],
  ['named by Connection', (name, value) => `Connection: ${name}\r\n${name}: ${value}`],
  ['named by Connection alone', (name) => `Connection: ${name}`],
];

for (const [how, lines] of disguises) {
  test(`a stranger who says the gateway's fields ${how} is not heard`, async () => {
    const path = `/owned/${how.replaceAll(' ', '-')}`;
    const said = Object.entries(owned).map(([name, value]) => lines(name, value));
    const request = await requestFor(path, `${said.join('\r\n')}\r\n`);
    const heard = JSON.stringify(request.fields);
    assert.doesNotMatch(heard, /6\.6\.6\.6|gopher|evil|Admin|forged/);
    assert.deepEqual(request.values('x-forwarded-port'), ['80']);
    assert.deepEqual(request.values('x-forwarded-for'), ['127.0.0.1']);
    assert.deepEqual(request.values('x-forwarded-proto'), ['http']);
    assert.deepEqual(request.values('x-forwarded-host'), ['a']);
    assert.equal(request.values('x-request-id').length, 1);
    assert.equal(request.values('traceparent').length, 1);
    assert.equal(request.header('x-consumer-name'), null);
  });
}

test('whoever has a key is called by its name, whatever else they say', async () => {
  for (const [how, lines] of disguises) {
    const path = `/named/${how.replaceAll(' ', '-')}`;
    const request = await requestFor(path, `X-API-Key: ${key}\r\n${lines('X-Consumer-Name', 'Admin')}\r\n`);
    assert.deepEqual(request.values('x-consumer-name'), ['Somebody'], how);
    assert.doesNotMatch(JSON.stringify(request.fields), /Admin|slk_/, how);
  }
});

test('a field that a route sets is the route’s, however a client writes it', async () => {
  for (const line of ['X-Internal: client', 'x-internal: client\r\nX-INTERNAL: client', 'Connection: X-Internal']) {
    assert.deepEqual((await requestFor('/edited', `${line}\r\n`)).values('x-internal'), ['gateway'], line);
  }
});

test('Via is added to and can neither be removed nor replaced', async () => {
  const request = await requestFor('/via', 'Via: 1.1 forged\r\nConnection: Via\r\n');
  assert.match(request.header('via') ?? '', /1\.1 sluice$/);
});

/** Characters that end a line for somebody, raw and as escapes, in every place where text of a client is passed on. */
const breaks = ['\r\n', '\r', '\n', '\0', '\x0b', '\x0c', '\x85'];

for (const character of breaks) {
  const shown = JSON.stringify(character);
  test(`${shown} in a field is refused or stays inside its value`, async () => {
    for (const name of ['X-Request-Id', 'traceparent', 'tracestate', 'Origin', 'Cookie', 'Via', 'X-Api-Key', 'X-Any']) {
      const path = `/broken/${name}${encodeURIComponent(character)}`;
      const answer = await ask(
        gateway.port,
        `GET ${path} HTTP/1.1\r\nHost: a\r\n${name}: a${character}X-Injected: 1\r\nConnection: close\r\n\r\n`,
      );
      const [request] = upstream.requestsTo(path);
      // CRLF is how fields end: what follows is a field that the client may send.
      if (character !== '\r\n') assert.equal(request?.header('x-injected') ?? null, null, name);
      if (character === '\r' || character === '\n' || character === '\0') assert.equal(answer.status, 400, name);
      assert.equal(answer.header('x-injected'), null, name);
    }
  });

  test(`${shown} in a target is refused, raw, and stays an escape, escaped`, async () => {
    const escaped = Buffer.from(character, 'latin1').toString('hex').replace(/../g, '%$&');
    const client = await rawClient(gateway.port);
    client.write(`GET /raw/${character}X-Injected:1 HTTP/1.1\r\nHost: a\r\n\r\n`);
    assert.equal((await client.response())?.status, 400);
    client.destroy();

    for (const target of [`/captured/${escaped}X-Injected:1/${escaped}`, `/plain?q=${escaped}X-Injected:1`]) {
      const answer = await ask(gateway.port, `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
      const request = upstream.requests.at(-1);
      // %00 is no part of any path.
      if (character === '\0' && !target.includes('?')) assert.equal(answer.status, 400);
      else assert.ok(request?.target.includes(`${escaped}X-Injected`), request?.target);
      assert.equal(request?.header('x-injected') ?? null, null);
    }
  });
}

test('what comes back of a request in an answer is escaped there', async () => {
  const answer = await ask(gateway.port, 'GET /health/none%0d%0aX-Injected:1?"<script> HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.equal(answer.header('x-injected'), null);
  const refused = await ask(gateway.port, 'GET /%0d%0aX-Injected:1%00 HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.equal(refused.status, 400);
  assert.equal(refused.header('x-injected'), null);
  // JSON that no browser takes for a page.
  assert.match(refused.header('content-type') ?? '', /^application\/problem\+json/);
  assert.doesNotThrow(() => refused.json());
});

test('nothing that was injected reached the upstream, nor anything that is not plain HTTP', () => {
  const injected = upstream.requests.filter(
    ({ path, fields }) =>
      !path.startsWith('/broken/') &&
      'x-injected' in Object.fromEntries(fields.map(([name]) => [name.toLowerCase(), 1])),
  );
  assert.deepEqual(injected, []);
  assert.deepEqual(upstream.violations, []);
});

async function requestFor(path: string, fields: string): Promise<ReceivedRequest> {
  const answer = await ask(gateway.port, `GET ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`);
  assert.equal(answer.status, 200, answer.text());
  return await upstream.arrival(path);
}
