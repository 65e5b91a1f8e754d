/** Path and query reach the upstream byte for byte; only dot segments are resolved, and what can be read in two ways is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forwardAll, startGateway } from '../support/gateway.ts';
import { ask } from '../support/raw-client.ts';
import { recordingUpstream } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const gateway = await startGateway({ config: forwardAll(upstream.url) });

const untouched = [
  '/',
  '/?',
  '/a?',
  '/a/',
  '/a%20b?x=%2F&y=a+b&&=',
  '/a%2fb/%5c',
  '/%7Euser/%41',
  '/%E4%BD%A0/caf%c3%a9',
  "/a;b=c,d:e@f!$&'()*+=~-._",
  '/a//b///',
  '/a?b?c=/../d',
  '/x?u=http://a/b//c&p=../..',
  '/x?%zz=%&[]={}|"<>^`',
  '/...',
  '/a/..b/.c',
  '/a.b/c..',
  `/long?${'x'.repeat(7000)}`,
];

for (const target of untouched) {
  test(`${target.slice(0, 40)} arrives as it was sent`, async () => {
    const before = upstream.requests.length;
    const answer = await ask(gateway.port, `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
    assert.equal(answer.status, 200);
    assert.equal(upstream.requests[before]?.target, target);
  });
}

for (const [sent, arrives] of [
  ['/a/./b', '/a/b'],
  ['/a/../b', '/b'],
  ['/a/%2e%2E/b?x=/../y', '/b?x=/../y'],
  ['/a/%2e/b', '/a/b'],
  ['/a/.%2e/b/', '/b/'],
  ['/a/b/..', '/a/'],
  ['/a/b/.', '/a/b/'],
] as const) {
  test(`${sent} arrives as ${arrives}`, async () => {
    const before = upstream.requests.length;
    assert.equal((await ask(gateway.port, `GET ${sent} HTTP/1.1\r\nHost: a\r\n\r\n`)).status, 200);
    assert.equal(upstream.requests[before]?.target, arrives);
  });
}

for (const target of [
  '/..',
  '/../x',
  '/a/../../x',
  '/%2e%2e/x',
  '/a%00b',
  '/a\\b',
  '/a#b',
  '/a?b#c',
  '/caf\xe9',
  '/a\x7fb',
  'a/b',
  '*',
  '',
  '?x',
]) {
  test(`${JSON.stringify(target)} is refused`, async () => {
    const before = upstream.requests.length;
    const answer = await ask(gateway.port, `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
    assert.equal(answer.status, 400);
    assert.equal(answer.json()['code'], 'bad_request');
    assert.equal(upstream.requests.length, before);
  });
}

test('the upstream was sent nothing that is not plain HTTP', () => {
  assert.deepEqual(upstream.violations, []);
});
