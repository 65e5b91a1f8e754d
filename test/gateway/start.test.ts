/** What keeps a gateway from starting, and what it says then. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { runSluice, startGateway } from '../support/gateway.ts';
import { freePorts } from '../support/ports.ts';
import { copyProgram } from '../support/program-copy.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-start-'));
after(() => rmSync(folder, { recursive: true, force: true }));

test('a port in use blocks the start, with one line that says what to do', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const file = write('in-use.yml', `proxy: { host: 127.0.0.1, port: ${port} }\nadmin: { port: 0 }\n${body}`);
  const run = await runSluice(['start', '--config', file, '--workers', '2']);
  other.close();
  assert.equal(run.code, 1);
  assert.match(
    run.stderr,
    new RegExp(`^sluice: not started: 127\\.0\\.0\\.1:${port} is in use \\(EADDRINUSE\\).*\\n$`),
  );
  assert.equal(run.stdout, '');
});

test('so does the port of the admin listener', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const [proxyPort] = await freePorts(1);
  const file = write('admin.yml', `proxy: { host: 127.0.0.1, port: ${proxyPort} }\nadmin: { port: ${port} }\n${body}`);
  const run = await runSluice(['start', '--config', file, '--workers', '1']);
  other.close();
  assert.equal(run.code, 1);
  assert.match(run.stderr, /^sluice: not started: the admin listener can't listen on .*EADDRINUSE.*\n$/);
});

test('a config with errors blocks the start and names them all', async () => {
  const file = write(
    'bad.yml',
    'upstreams: []\nroutes:\n  - path: /a\n    upstream: nobody\n  - path: b\n    upstraem: x\n',
  );
  const run = await runSluice(['start', '--config', file]);
  assert.equal(run.code, 1);
  assert.match(run.stderr, /bad\.yml:4:15 routes\[0\]\.upstream/);
  assert.match(run.stderr, /bad\.yml:5:11 routes\[1\]\.path/);
  assert.match(run.stderr, /bad\.yml:6:5 routes\[1\]\.upstraem.*did you mean "upstream"\?/);
  assert.match(run.stderr, /sluice: not started: .*bad\.yml is not valid\n$/);
});

test('a config file that is not there blocks the start', async () => {
  const run = await runSluice(['start', '--config', join(folder, 'nowhere.yml')]);
  assert.equal(run.code, 1);
  assert.match(run.stderr, /nowhere\.yml/);
});

test('workers that do not come up block the start after a few tries', async () => {
  const copy = copyProgram();
  copy.append('workers/gateway.ts', "throw new Error('broken on purpose');");
  const gateway = await startGateway({ config: body, workers: 2, program: copy.program, waitFor: 'no' });
  assert.deepEqual(await gateway.exit, { code: 1, signal: null });
  assert.match(gateway.stderr, /broken on purpose/);
  assert.match(
    gateway.stderr,
    /sluice: not started: worker \d can't be started: it ended before it could load its code, code 1\n$/,
  );
});

test('a signal to end that comes before it is ready ends it, too', async () => {
  const gateway = await startGateway({ config: body, workers: 2, waitFor: 'no' });
  await eventually(() => (gateway.workers().length > 0 ? true : null), 'the first worker');
  gateway.signal('SIGTERM');
  assert.deepEqual(await gateway.exit, { code: 0, signal: null });
});

test('an unknown command or flag ends with 1 and says what is known', async () => {
  for (const [args, said] of [
    [['strat'], /"strat" is no command; did you mean "start"\?/],
    [['start', '--wrokers', '2'], /Unknown option '--wrokers'\nusage: sluice start \[--config FILE\]/],
    [['start', '--workers', 'many'], /--workers takes a number from 1 to 1024, got "many"/],
    [['explain', 'GET', '/'], /"explain" is not built yet/],
  ] as const) {
    const run = await runSluice(args);
    assert.equal(run.code, 1);
    assert.match(run.stderr, said);
  }
});

test('it listens on an IPv6 address', async () => {
  const gateway = await startGateway({ config: `proxy: { host: "::1" }\n${body}`, workers: 2 });
  const { url } = await gateway.log(({ msg }) => msg === 'ready', 'the line of readiness');
  assert.equal(url, `http://[::1]:${gateway.port}`);
  assert.equal((await fetch(`${String(url)}/echo/x`)).status, 200);
});

test('the line of readiness names the address, the workers and the config’s version', async () => {
  const gateway = await startGateway({ config: body, workers: 2 });
  const { url, workers, version } = await gateway.log(({ msg }) => msg === 'ready', 'the line of readiness');
  assert.deepEqual({ url, workers, version }, { url: gateway.url, workers: 2, version: 1 });
});

const body = 'upstreams: [{ name: echo, builtin: echo }]\nroutes: [{ path: "/echo/*", upstream: echo }]\n';

test('compiled code is kept where NODE_COMPILE_CACHE says, and a place that cannot be written changes nothing', async () => {
  const kept = join(folder, 'kept');
  const { stdout, code } = await runSluice(['schema'], { NODE_COMPILE_CACHE: kept });
  assert.equal(code, 0);
  assert.ok(readdirSync(kept, { recursive: true }).length > 10);
  const noFolder = write('no-folder', '');
  for (const place of [kept, noFolder, ''])
    assert.deepEqual(await runSluice(['schema'], { NODE_COMPILE_CACHE: place }), { code: 0, stdout, stderr: '' });
});

function write(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}
