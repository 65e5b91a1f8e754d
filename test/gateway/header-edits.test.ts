/** Header edits of a route: what is removed is gone, what is set stands alone, what is added stands beside the rest. Both directions. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runSluice, type SluiceRun, startGateway } from '../support/gateway.ts';
import { ask } from '../support/raw-client.ts';
import { recordingUpstream, response } from '../support/recording-upstream.ts';

const edits = {
  headers: {
    set: { 'X-Set': 'set', 'X-Both': 'set', 'X-Name': 'café' },
    add: { 'X-Add': 'added', 'X-Both': 'added', 'X-Back': 'again' },
    remove: ['X-Gone', 'x-back', 'User-Agent', 'Server'],
  },
};

const upstream = await recordingUpstream();
const gateway = await startGateway({
  config: {
    upstreams: [{ name: 'api', url: upstream.url }],
    routes: [
      { path: '/up', upstream: 'api', request: edits },
      { path: '/down', upstream: 'api', response: edits },
      { path: '/plain', upstream: 'api' },
      {
        path: '/typed',
        upstream: 'api',
        response: { headers: { set: { 'Content-Type': 'text/plain', Date: 'Sun, 01 Nov 2026 00:00:00 GMT' } } },
      },
      { path: '/cookies', upstream: 'api', response: { headers: { add: { 'Set-Cookie': 'c=3' } } } },
      { path: '/cookies-gone', upstream: 'api', response: { headers: { remove: ['set-cookie'] } } },
      {
        path: '/answered',
        respond: { headers: { 'X-Set': 'own', 'X-Gone': 'own', 'X-Kept': 'own' }, body: 'hi' },
        response: edits,
      },
    ],
  },
});

const sentFields = [
  ['X-Set', 'client 1'],
  ['x-set', 'client 2'],
  ['X-Add', 'first'],
  ['X-GONE', '1'],
  ['x-gone', '2'],
  ['X-Back', 'old'],
  ['X-Kept', 'kept'],
] as const;
const sent = sentFields.map(([name, value]) => `${name}: ${value}\r\n`).join('');

test('request headers are removed, set and added on their way upstream', async () => {
  await ask(gateway.port, `GET /up HTTP/1.1\r\nHost: a\r\nUser-Agent: curl\r\n${sent}\r\n`);
  const request = await upstream.arrival('/up');
  assertEdited((name) => request.values(name));
  assert.equal(request.header('user-agent'), null);
});

test('response headers are removed, set and added on their way back', async () => {
  upstream.on('/down', (request) => request.send(response(200, [['Server', 'origin'], ...sentFields], 'body')));
  const answer = await ask(gateway.port, 'GET /down HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.equal(answer.text(), 'body');
  assertEdited((name) => answer.values(name));
  assert.equal(answer.header('server'), null);
});

test('an answer of the config is edited like one of an upstream', async () => {
  const answer = await ask(gateway.port, 'GET /answered HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.equal(answer.text(), 'hi');
  assert.deepEqual(answer.values('x-set'), ['set']);
  assert.deepEqual(answer.values('x-add'), ['added']);
  assert.deepEqual(answer.values('x-gone'), []);
  assert.deepEqual(answer.values('x-kept'), ['own']);
});

test("a route's edits are its own", async () => {
  await ask(gateway.port, `GET /plain HTTP/1.1\r\nHost: a\r\n${sent}\r\n`);
  const request = await upstream.arrival('/plain');
  assert.deepEqual(request.values('x-set'), ['client 1', 'client 2']);
  assert.deepEqual(request.values('x-gone'), ['1', '2']);
});

test('fields that every answer has can be set, and stand there once', async () => {
  upstream.on('/typed', (request) => request.send(response(200, [['content-type', 'text/html']], 'body')));
  const answer = await ask(gateway.port, 'GET /typed HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.deepEqual(answer.values('content-type'), ['text/plain']);
  assert.deepEqual(answer.values('date'), ['Sun, 01 Nov 2026 00:00:00 GMT']);
});

test('a cookie is added beside those of the upstream, and all can be removed', async () => {
  const cookies = [
    ['Set-Cookie', 'a=1'],
    ['set-cookie', 'b=2'],
  ] as const;
  upstream.on('/cookies', (request) => request.send(response(200, cookies)));
  upstream.on('/cookies-gone', (request) => request.send(response(200, cookies)));
  const added = await ask(gateway.port, 'GET /cookies HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.deepEqual(added.values('set-cookie'), ['a=1', 'b=2', 'c=3']);
  const removed = await ask(gateway.port, 'GET /cookies-gone HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.deepEqual(removed.values('set-cookie'), []);
});

test('a config that would edit framing, hop-by-hop or gateway-owned fields is refused, each by its name', async () => {
  const owned = {
    request: 'Host Content-Length Transfer-Encoding Connection TE Upgrade Via X-Forwarded-For X-Request-Id traceparent',
    response: 'Content-Length Transfer-Encoding Connection Keep-Alive Trailer X-Request-Id',
  };
  const routes: object[] = [];
  const paths: string[] = [];
  for (const [direction, names] of Object.entries(owned)) {
    for (const kind of ['set', 'add', 'remove']) {
      const index = routes.length;
      const list = names.split(' ');
      const headers = { [kind]: kind === 'remove' ? list : Object.fromEntries(list.map((name) => [name, 'x'])) };
      routes.push({ path: `/${direction}/${kind}`, upstream: 'api', [direction]: { headers } });
      for (const [i, name] of list.entries()) {
        const key = kind === 'remove' ? `remove[${i}]` : `${kind}.${name}`;
        paths.push(`routes[${index}].${direction}.headers.${key}`);
      }
    }
  }
  const run = await check({ upstreams: [{ name: 'api', url: upstream.url }], routes });
  assert.equal(run.code, 1);
  const { problems } = JSON.parse(run.stdout) as { problems: { path: string; severity: string }[] };
  const errors = problems.filter(({ severity }) => severity === 'error').map(({ path }) => path.replaceAll('"', ''));
  assert.deepEqual(new Set(errors), new Set(paths));
});

test('the upstream was sent nothing that is not plain HTTP', () => {
  assert.deepEqual(upstream.violations, []);
});

async function check(config: object): Promise<SluiceRun> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-test-'));
  try {
    writeFileSync(join(folder, 'proxy.yml'), JSON.stringify(config));
    return await runSluice(['check', '--json', '--config', join(folder, 'proxy.yml')]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function assertEdited(values: (name: string) => string[]): void {
  assert.deepEqual(values('x-set'), ['set']);
  assert.deepEqual(values('x-add'), ['first', 'added']);
  assert.deepEqual(values('x-both'), ['set', 'added']);
  assert.deepEqual(values('x-gone'), []);
  assert.deepEqual(values('x-back'), ['again']);
  assert.deepEqual(values('x-kept'), ['kept']);
  // One byte a letter, as the fields of others are read (RFC 9110, section 5.5).
  assert.deepEqual(values('x-name'), ['caf\xe9']);
}
