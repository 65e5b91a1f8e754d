/** `sluice top` against a real gateway: once as plain text, and live in a real terminal. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { runSluice, startGateway } from '../support/gateway.ts';
import { freePorts } from '../support/ports.ts';
import { inTerminal } from '../support/terminal.ts';

const token = 'top-secret-token';
const routes = [
  { name: 'users', path: '/users/*', respond: { status: 204 } },
  { name: 'broken', path: '/broken', upstream: 'gone' },
];
const upstreams = [{ name: 'gone', url: 'http://127.0.0.1:1', circuitBreaker: {} }];
const gateway = await startGateway({ config: { routes, upstreams } });
const locked = await startGateway({ config: { routes, upstreams, admin: { token } } });
const folder = mkdtempSync(join(tmpdir(), 'sluice-top-'));
after(() => rmSync(folder, { recursive: true }));
const program = join(import.meta.dirname, '../../bin/sluice');

test('--once prints what the gateway does as plain text', async () => {
  for (let i = 0; i < 7; i++) await fetch(`${gateway.url}/users/${i}`);
  await (await fetch(`${gateway.url}/broken`)).arrayBuffer();
  const text = await eventually(
    async () => {
      const { code, stdout } = await runSluice(['top', '--once', '--url', gateway.adminUrl]);
      assert.equal(code, 0);
      return /^users .* 7$/m.test(stdout) && /^broken .* 1$/m.test(stdout) ? stdout : null;
      // Each look is a process, which may take its time.
    },
    'the requests',
    60_000,
  );
  assert.match(text, /^sluice \S+ {2}ready {2}up \S+ {2}workers 1 {2}config 1 \//);
  assert.match(text, /^requests \S+\/s {2}p50 .* p95 .* p99 .* ms {2}errors .*refused .*in flight 0$/m);
  assert.match(text, /^gone +1\/1 +closed /m);
  assert.match(text, new RegExp(`^1 +${gateway.workers()[0]} +serving `, 'm'));
  assert.ok(!text.includes('\x1b'));
});

test('the address and the token come from the config, or the token from a file or the environment', async () => {
  const tokenFile = join(folder, 'token');
  writeFileSync(tokenFile, `${token}\n`);
  const byUrl = ['top', '--once', '--url', locked.adminUrl];
  // One after the other: each is a process that needs a second of a busy machine.
  const byConfig = await runSluice(['top', '--once', '--config', locked.configFile]);
  assert.deepEqual([byConfig.code, byConfig.stderr], [0, '']);
  assert.equal((await runSluice([...byUrl, '--token-file', tokenFile])).code, 0);
  const without = await runSluice(byUrl);
  assert.deepEqual([without.code, without.stdout], [1, '']);
  assert.match(without.stderr, /wants a token: give it with --token-file FILE or SLUICE_ADMIN_TOKEN/);
  const wrong = await runSluice(byUrl, { SLUICE_ADMIN_TOKEN: 'wrong' });
  assert.deepEqual([wrong.code, wrong.stdout], [1, '']);
  assert.match(wrong.stderr, /does not take the token/);
});

test('what can not be shown is said, with what to do', async () => {
  const [port = 0] = await freePorts(1);
  const complaints: [readonly string[], RegExp][] = [
    [['--once', '--url', `http://127.0.0.1:${port}`], /no answer from http:\/\/127\.0\.0\.1:\d+: ECONNREFUSED/],
    [['--once', '--url', gateway.url], /answers 404 to GET \/status: is it the admin listener/],
    [['--url', gateway.adminUrl], /no terminal; "sluice top --once"/],
    [['--token', 'x'], /usage: sluice top/],
  ];
  for (const [args, complaint] of complaints) {
    const { code, stderr } = await runSluice(['top', ...args]);
    assert.equal(code, 1, args.join(' '));
    assert.match(stderr, complaint);
  }
});

test('live, it takes the terminal over, follows the gateway, obeys keys, and leaves the terminal as it was', async () => {
  const terminal = inTerminal(`${program} top --url ${gateway.adminUrl}`);
  await terminal.shows(/␛\[\?1049h.*␛\[\?25l/s);
  await terminal.shows(/sorted by rate/);
  const name = `late-${process.pid}`;
  await gateway.reload({ upstreams, routes: [...routes, { name, path: '/late', respond: { status: 204 } }] });
  await terminal.shows(new RegExp(name));
  terminal.press('n');
  await terminal.shows(/sorted by name/);
  terminal.press('q');
  assert.equal(await terminal.ended(), 0);
  const [, left = ''] = terminal.output().split('␛[?7h␛[?25h␛[?1049l');
  assert.match(left, / icanon /);
  assert.match(left, / echo /);
});

test('Ctrl-C ends it too, and NO_COLOR keeps it plain', async () => {
  const terminal = inTerminal(`${program} top --url ${gateway.adminUrl}`, { NO_COLOR: '1' });
  await terminal.shows(/sorted by rate/);
  terminal.press('\x03');
  assert.equal(await terminal.ended(), 0);
  assert.match(terminal.output(), /␛\[\?1049l/);
  assert.doesNotMatch(terminal.output(), /␛\[\d+m/);
});

test('when the gateway goes away it says so and waits for the next one', async () => {
  const first = await startGateway({ config: { routes: [{ name: 'before', path: '/*', respond: { status: 204 } }] } });
  const terminal = inTerminal(`${program} top --url ${first.adminUrl}`);
  await terminal.shows(/before/);
  await first.stop();
  await terminal.shows(/no answer from \S+: ECONNREFUSED; trying again each second/);
  const second = {
    admin: { port: first.adminPort },
    routes: [{ name: 'after', path: '/*', respond: { status: 204 } }],
  };
  await startGateway({ config: second, waitFor: 'no' });
  await terminal.shows(/after/);
  terminal.press('q');
  assert.equal(await terminal.ended(), 0);
});
