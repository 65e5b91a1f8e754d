/**
 * What must stay secret, and every place where the gateway says something: keys, tokens, passwords and private keys stand
 * in none of its answers, log lines at the finest level, metrics, messages about a config, and views of it.
 */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { checkConfig } from '../../src/config/check.ts';
import { formatProblem, type Problem } from '../../src/config/problem.ts';
import { parseConfigText } from '../../src/config/read.ts';
import { createAuthority } from '../support/certificates.ts';
import { runSluice, startGateway } from '../support/gateway.ts';
import { ask } from '../support/raw-client.ts';
import { recordingUpstream, response } from '../support/recording-upstream.ts';

const authority = await createAuthority();
const certificate = await authority.issue({ names: ['gateway.internal'] });
const upstream = await recordingUpstream();

/** All secrets of these tests hold this, but for what others have made: digests and private keys. */
const mark = 'S3CRET';
const key = `slk_${mark}-key`;
const digest = createHmac('sha256', `${mark}-hmac`).update(key).digest('hex');
const privateKey = readFileSync(certificate.key, 'utf8').split('\n')[1] ?? '';
const unspeakable = new RegExp(
  [mark, digest, privateKey.replace(/[+/]/g, '\\$&'), 'BEGIN [A-Z ]*PRIVATE KEY'].join('|'),
  'i',
);

const config = {
  proxy: { traceToken: `${mark}-trace` },
  admin: { token: `${mark}-admin` },
  logging: { level: 'trace', format: 'json' },
  security: {
    auth: { type: 'apiKey', secret: `${mark}-hmac`, keys: [{ key: digest, name: 'Somebody' }], default: 'optional' },
  },
  rateLimit: {
    backend: 'redis',
    // Nobody is there, which is logged.
    redis: { url: `redis://user:${mark}-redis@127.0.0.1:1` },
    global: { max: 1_000, windowMs: 60_000 },
  },
  upstreams: [
    { name: 'api', url: upstream.url },
    { name: 'down', url: 'http://127.0.0.1:1' },
    { name: 'tls', url: `https://127.0.0.1:${upstream.port}`, tls: { ca: authority.ca, ...certificate } },
  ],
  routes: [
    { path: '/*', upstream: 'api', request: { headers: { set: { Authorization: `Bearer ${mark}-upstream` } } } },
    { path: '/down', upstream: 'down' },
    { path: '/tls', upstream: 'tls' },
    { path: '/locked', auth: 'required', upstream: 'api' },
    { path: '/chosen', headers: { 'x-chosen': `${mark}-choice` }, upstream: 'api' },
  ],
};
const gateway = await startGateway({ config });

const credentials = [
  `X-API-Key: ${key}`,
  `Cookie: session=${mark}-session`,
  `X-Session: ${mark}-any`,
  `X-Sluice-Trace: ${mark}-trace`,
  `Referer: http://a/?token=${mark}-referer`,
  `User-Agent: ${mark}-agent`,
].join('\r\n');

test('no answer to a request repeats what is secret, well or badly as it goes', async () => {
  upstream.on('/dies', (request) => void request.connection.socket.destroy());
  upstream.on('/fails', (request) => request.send(response(500, [['Set-Cookie', 'plain=1']], 'no')));
  for (const path of [
    '/',
    '/fails',
    '/dies',
    '/down',
    '/tls',
    '/locked',
    '/none',
    '/chosen',
    '/%2e%2e/',
    '/health/deep',
    '/metrics',
  ]) {
    for (const fields of [credentials, `X-API-Key: ${mark}-wrong`, `X-API-Key: ${mark}-a\r\nX-API-Key: ${mark}-b`]) {
      const bytes = `POST ${path}?token=${mark}-query HTTP/1.1\r\nHost: a\r\n${fields}\r\nContent-Length: 6\r\n\r\n${mark}`;
      const answer = await ask(gateway.port, bytes, 'POST');
      const fieldsShown = JSON.stringify(answer.fields);
      assert.doesNotMatch(fieldsShown + answer.body.toString('latin1'), unspeakable, path);
    }
  }
  const malformed = await ask(gateway.port, `GET /?${mark} HTTP/1.1\r\nHost: a\r\nX-API-Key : ${key}\r\n\r\n`);
  assert.doesNotMatch(malformed.text(), unspeakable);
});

test('neither do the endpoints of the admin listener, with and without its token', async () => {
  const token = { authorization: `Bearer ${mark}-admin` };
  for (const path of ['/health/live', '/health/ready', '/health/deep', '/metrics', '/config', '/none']) {
    for (const headers of [token, { authorization: `Bearer ${mark}-wrong` }, {}]) {
      const response = await fetch(`${gateway.adminUrl}${path}?token=${mark}`, { headers });
      assert.doesNotMatch(JSON.stringify([...response.headers]) + (await response.text()), unspeakable, path);
    }
  }
});

test('the log tells of reloads, good and bad, without it', async () => {
  const rotated = { ...config, admin: { token: `${mark}-rotated` }, logging: { level: 'trace', query: false } };
  const broken = stringify(config).replace('type: apiKey', 'type: none').replace('level: trace', 'level: [1]');
  // Counting reloads would need the token.
  gateway.writeConfig(rotated);
  gateway.signal('SIGHUP');
  await gateway.log(({ msg }) => String(msg).includes('the new config is in force'), 'the reload');
  gateway.writeConfig(broken);
  gateway.signal('SIGHUP');
  await gateway.log(({ msg }) => String(msg).includes('reload rejected'), 'the refusal');
  gateway.signal('SIGUSR2');
  await gateway.log(({ msg }) => String(msg).includes('have been replaced'), 'new workers');
});

test('no line of the log holds any of it', async () => {
  const written = gateway.stdout + gateway.stderr;
  assert.ok(written.includes('upstream_unreachable') && written.includes('unauthorized'));
  assert.match(written, /redis/i);
  assert.doesNotMatch(written, unspeakable);
  assert.doesNotMatch(written, /X-API-Key/i);
});

/** Mistakes beside secrets, and secrets in places where they do not belong: the value is never repeated. */
const mistakes: readonly string[] = [
  `admin: { token: [${mark}] }`,
  `admin: { token: { a: ${mark} } }`,
  'admin: { token: 5 }',
  `admin: ${mark}`,
  `admin: [${mark}]`,
  `admin: { token: "${mark}", port: x }`,
  `proxy: { traceToken: [${mark}] }`,
  `security: { auth: { type: apiKey, secret: [${mark}] } }`,
  `security: { auth: { type: apiKey, secret: { x: ${mark} } } }`,
  `security: { auth: { type: apiKey, keys: ${mark} } }`,
  `security: { auth: { type: apiKey, keys: [${mark}] } }`,
  `security: { auth: { type: apiKey, keys: [{ key: ${mark}, name: A }] } }`,
  `security: { auth: { type: apiKey, keys: [{ key: [${mark}], name: A }] } }`,
  `security: { auth: { type: apiKey, keys: [{ key: "${mark}" }, { key: "${mark}", name: A }, { key: "${mark}", name: B }] } }`,
  `rateLimit: { redis: { url: "redis://:${mark}@" } }`,
  `rateLimit: { redis: { url: "http://user:${mark}@host" } }`,
  `rateLimit: { redis: { url: "redis://host?password=${mark}" } }`,
  `rateLimit: { redis: { sentinels: ["redis://u:${mark}@host"] } }`,
  `telemetry: { otlp: { url: "nonsense://u:${mark}@host" } }`,
  `telemetry: { otlp: { url: "http://host?token=${mark}" } }`,
  `telemetry: { otlp: { url: "http://host", headers: { authorization: "${mark}\\n" } } }`,
  `telemetry: { otlp: { url: "http://host", headers: { authorization: [${mark}] } } }`,
  `upstreams: [{ name: a, url: "http://user:${mark}@host" }]`,
  `upstreams: [{ name: a, url: "http://user:${mark}@ho st" }]`,
  `upstreams: [{ name: a, url: "http://host?key=${mark}" }]`,
  `routes: [{ path: /a, respond: {}, request: { headers: { set: { Authorization: "${mark}\\n" } } } }]`,
  `routes: [{ path: /a, respond: {}, request: { headers: { set: { Authorization: [${mark}] } } } }]`,
  `routes: [{ path: /a, respond: {}, headers: { x-key: [${mark}] } }]`,
  'proxy: { port: "${LEAKY}" }',
  'proxy: { host: "${LEAKY}" }',
  'proxy: { timeout: "${LEAKY}" }',
  'security: { blockedIPs: ["${LEAKY}"] }',
  'upstreams: [{ name: a, url: "${LEAKY}" }]',
  'upstreams: [{ name: a, url: "http://${LEAKY}:x" }]',
  'logging: { level: "${LEAKY}" }',
  'routes: [{ path: "${LEAKY}", respond: {} }]',
  'routes: [{ path: /a, upstream: "${LEAKY}" }]',
  'routes: [{ path: /a, respond: {}, consumers: ["${LEAKY}"], rateLimit: { max: 1, windowMs: 1, key: "${LEAKY}" } }]',
  `admin: { token: "${mark}`,
  `admin:\n\ttoken: ${mark}`,
  `admin:\n  token: ${mark}: ${mark}`,
  `admin:\n  token: !${mark} x`,
  `admin:\n  token: @${mark}`,
  `admin:\n  token: *${mark}`,
  `admin:\n  token: &${mark}`,
  `admin:\n  token: %${mark}`,
  `admin: *${mark}`,
  `admin:\n  token: '${mark}\n  port: 1`,
];

for (const text of mistakes) {
  test(`what is said about ${JSON.stringify(text)} does not repeat it`, () => {
    const problems = judge(text);
    assert.ok(problems.length > 0);
    for (const problem of problems) {
      assert.doesNotMatch(formatProblem(problem), unspeakable);
      assert.doesNotMatch(JSON.stringify(problem), unspeakable);
    }
  });
}

test('check prints, as text and as JSON, what is wrong beside a secret and not the secret', async () => {
  const file = join(authority.folder, 'proxy.yml');
  const wrong = {
    ...config,
    admin: { ...config.admin, port: mark.length },
    security: { auth: { ...config.security.auth, type: 'none' } },
  };
  writeFileSync(file, stringify({ ...wrong, proxy: { port: '${LEAKY}' } }));
  for (const flags of [[], ['--json'], ['--strict']]) {
    const { code, stdout, stderr } = await runSluice(['check', '--config', file, ...flags], { LEAKY: `${mark}-leaky` });
    assert.equal(code, 1);
    assert.match(stdout + stderr, /proxy\.yml/);
    assert.doesNotMatch(stdout + stderr, unspeakable);
  }
});

function judge(text: string): readonly Problem[] {
  const read = parseConfigText('proxy.yml', text, ['map']);
  return read.ok ? checkConfig(read.source, { LEAKY: `${mark}-leaky` }, false).problems : read.problems;
}
