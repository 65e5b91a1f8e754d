/** POST /reload and POST /config/check on the admin listener. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { askAdmin } from '../support/admin.ts';
import { startGateway } from '../support/gateway.ts';
import { metric } from '../support/metric.ts';

const answer = (status: number) => ({ path: '/answer', respond: { status } });
const ownHeader = { 'content-type': 'application/yaml' };

const security = { auth: { type: 'apiKey', secret: '${TEST_SECRET}' } };
const gateway = await startGateway({
  config: { security, routes: [answer(201)] },
  env: { TEST_SECRET: 'hmac-s3cret' },
});

test('POST /reload answers when every worker has the config, with what it changes', async () => {
  gateway.writeConfig({ routes: [answer(202), { path: '/more', respond: { status: 204 } }] });
  const { status, body } = await askAdmin(gateway, 'POST /reload');
  assert.equal(status, 200);
  assert.equal(body.result, 'accepted');
  assert.equal(body.version, await metric(gateway.adminUrl, 'config_version'));
  assert.deepEqual(body.changes, ['security changed: auth', 'route /answer changed: respond', 'route /more added']);
  assert.deepEqual(body.needsRestart, []);
  assert.equal((await fetch(`${gateway.url}/answer`)).status, 202);
});

test('a config with errors is 422 with all of them, and stays out of force', async () => {
  const before = await metric(gateway.adminUrl, 'config_version');
  gateway.writeConfig('routes:\n  - path: /answer\n    upstream: nobody\n  - path: /b\n    respond: { status: 999 }\n');
  const { status, headers, body } = await askAdmin(gateway, 'POST /reload');
  assert.equal(status, 422);
  assert.equal(headers['content-type'], 'application/problem+json');
  assert.equal(body.code, 'config_rejected');
  assert.deepEqual(
    body.errors.map(({ line, path }: { line: number; path: string }) => [line, path]),
    [
      [3, 'routes[0].upstream'],
      [5, 'routes[1].respond.status'],
    ],
  );
  assert.match(body.errors[0].text, /proxy\.yml:3:15 routes\[0\]\.upstream: "nobody" is not an upstream/);
  assert.equal(await metric(gateway.adminUrl, 'config_version'), before);
  gateway.writeConfig({ routes: [answer(202)] });
  assert.equal((await askAdmin(gateway, 'POST /reload')).status, 200);
});

test('those who ask for a reload at the same time all get an answer', async () => {
  gateway.writeConfig({ routes: [answer(203)] });
  const answers = await Promise.all(Array.from({ length: 20 }, () => askAdmin(gateway, 'POST /reload')));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  assert.equal((await fetch(`${gateway.url}/answer`)).status, 203);
});

test('POST /config/check tells what a candidate would change, and changes nothing', async () => {
  const version = await metric(gateway.adminUrl, 'config_version');
  const body = `proxy: { port: ${gateway.port}, workers: 7 }\nroutes:\n  - path: /candidate\n    respond: { status: 204 }\n`;
  const checked = await askAdmin(gateway, 'POST /config/check', { body, headers: ownHeader });
  assert.equal(checked.status, 200);
  assert.equal(checked.body.result, 'valid');
  assert.ok(checked.body.changes.includes('route /candidate added'), String(checked.body.changes));
  assert.ok(checked.body.needsRestart.includes('proxy.workers'));
  assert.equal(await metric(gateway.adminUrl, 'config_version'), version);
  assert.equal((await fetch(`${gateway.url}/candidate`)).status, 404);
  // The log tells of changes only.
  assert.equal((await askAdmin(gateway, 'POST /reload')).status, 200);
  await gateway.log(({ path }) => path === '/reload', 'the line of the reload');
  assert.ok(!gateway.logs.some(({ path }) => path === '/config/check'));
});

test('a candidate with errors is 422 with their lines', async () => {
  const body = 'routes:\n  - path: /x\n    respond: { status: 204 }\n    hosst: a.example\n';
  const { status, body: problem } = await askAdmin(gateway, 'POST /config/check', { body, headers: ownHeader });
  assert.equal(status, 422);
  assert.match(problem.errors[0].text, /^candidate:4:5 routes\[0\].*did you mean "host"/);
  const broken = await askAdmin(gateway, 'POST /config/check', { body: 'routes: [', headers: ownHeader });
  assert.match(broken.body.errors[0].text, /^candidate:1:\d+ is not valid YAML/);
});

test('a candidate reads only what the config in force reads in the same place', async () => {
  gateway.writeConfig('security: { auth: { type: apiKey, secret: "${TEST_SECRET}" } }\nroutes: []\n');
  assert.equal((await askAdmin(gateway, 'POST /reload')).status, 200);
  const stolen = join(dirname(gateway.configFile), 'stolen.txt');
  writeFileSync(stolen, 'st0len');
  const check = (body: string) => askAdmin(gateway, 'POST /config/check', { body, headers: ownHeader });
  const secret = 'security: { auth: { type: apiKey, secret: "${TEST_SECRET}" } }';
  assert.equal((await check(`${secret}\nroutes: []\n`)).status, 200);
  const tries = [
    `routes: [{ name: "\${TEST_SECRET}", path: /x, respond: { status: 204 } }]`,
    `routes: [{ name: "\${file:${stolen}}", path: /x, respond: { status: 204 } }]`,
    `${secret.replace('"${', '&a "${')}\nroutes: [{ name: *a, path: /x, respond: { status: 204 } }]`,
    `security: { auth: { type: apiKey, keysFile: ${stolen} } }\nroutes: []`,
    `routes: [{ path: /x, validate: { body: ${stolen} }, respond: { status: 204 } }]`,
    `proxy: { tls: { certificates: [{ cert: ${stolen}, key: ${stolen} }] } }\nroutes: []`,
  ];
  for (const candidate of tries) {
    const { status, body } = await check(candidate);
    assert.equal(status, 422, candidate);
    assert.match(body.errors[0].message, /only where the config in force does the same/);
    assert.doesNotMatch(JSON.stringify(body), /st0len|hmac-s3cret/);
  }
});

test('a candidate that is too large is 413', async () => {
  const body = Buffer.alloc(8 * 1024 * 1024 + 1, '#');
  assert.equal((await askAdmin(gateway, 'POST /config/check', { body, headers: ownHeader })).status, 413);
  assert.equal((await askAdmin(gateway, 'POST /reload', { body: 'x' })).status, 413);
});

test('who asked for a change stands in the log, with what came of it', async () => {
  await askAdmin(gateway, 'POST /reload', { headers: { 'x-request-id': 'asked-by-me' } });
  const line = await gateway.log(({ requestId }) => requestId === 'asked-by-me', 'the line');
  const { method, path, clientIp, withToken, status } = line;
  assert.deepEqual(
    { method, path, clientIp, withToken, status },
    { method: 'POST', path: '/reload', clientIp: '127.0.0.1', withToken: false, status: 200 },
  );
});
