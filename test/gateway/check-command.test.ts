/** `sluice check` and `sluice schema`, as a user runs them. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'sluice-check-'));
after(() => rmSync(folder, { recursive: true }));

interface Outcome {
  readonly code: number | string | null;
  readonly stdout: string;
  readonly stderr: string;
}

function sluice(args: readonly string[], env: Readonly<Record<string, string>> = {}, cwd = root): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = { cwd, env: { ...process.env, ...env }, timeout: 30_000, maxBuffer: 2 ** 24 };
    execFile(join(root, 'bin/sluice'), args, options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : (error.code ?? null), stdout, stderr });
    });
  });
}

function write(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return name;
}

const good = 'upstreams: [{ name: a, url: "http://a" }]\nroutes: [{ path: /*, upstream: a }]\n';
const unlisted = `security: { allowedHosts: [b] }\n${good}`;

test('the shipped config is valid', async () => {
  const { code, stdout, stderr } = await sluice(['check']);
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /^config\/proxy\.yml is valid: \d+ routes?, \d+ upstreams?\n$/);
});

test('every mistake is printed with its line, and the exit code is 1', async () => {
  const file = write('bad.yml', `proxy: { prot: 1 }\n${good.replace('upstream: a', 'upstream: b1')}`);
  const { code, stdout } = await sluice(['check', '--config', file], {}, folder);
  assert.equal(code, 1);
  assert.equal(
    stdout,
    'bad.yml:1:10 proxy.prot: unknown key "prot"; did you mean "port"?\n' +
      'bad.yml:3:32 routes[0].upstream: "b1" is not an upstream; expected the name of an upstream\n' +
      'bad.yml is not valid: 2 errors\n',
  );
});

test('a file that is not there is an error', async () => {
  const { code, stdout } = await sluice(['check', '--config', 'none.yml'], {}, folder);
  assert.equal(code, 1);
  assert.match(stdout, /^none\.yml:1:1 can't be read: there is no such file\n/);
});

test('warnings leave the exit code 0, and --strict makes errors of two of them', async () => {
  const file = write('unlisted.yml', unlisted);
  const relaxed = await sluice(['check', '--config', file], {}, folder);
  const strict = await sluice(['check', '--config', file, '--strict'], {}, folder);
  assert.equal(relaxed.code, 0);
  assert.match(
    relaxed.stdout,
    /warning: upstreams\[0\]\.url: the host of "http:\/\/a" is not in security\.allowedHosts/,
  );
  assert.equal(strict.code, 1);
  assert.match(strict.stdout, /^unlisted\.yml:\d+:\d+ upstreams\[0\]\.url: /m);
});

test('--json prints the same for programs', async () => {
  const file = write('bad.json.yml', good.replace('upstream: a', 'upstream: aa'));
  const { code, stdout } = await sluice(['check', '--json', '--config', file], {}, folder);
  assert.equal(code, 1);
  assert.deepEqual(JSON.parse(stdout), {
    ok: false,
    file,
    problems: [
      {
        severity: 'error',
        file,
        line: 2,
        column: 32,
        path: 'routes[0].upstream',
        value: '"aa"',
        message: '"aa" is not an upstream',
        expected: 'the name of an upstream',
        suggestion: 'a',
      },
    ],
  });
});

test('SLUICE_CONFIG names the file when --config does not', async () => {
  const file = join(folder, write('env.yml', good));
  assert.match((await sluice(['check'], { SLUICE_CONFIG: file })).stdout, /env\.yml is valid: 1 route, 1 upstream\n$/);
});

test('an option that there is not is a usage error', async () => {
  const { code, stderr } = await sluice(['check', '--confg', 'x']);
  assert.equal(code, 1);
  assert.match(stderr, /--confg.*\n?[^]*usage: sluice check/);
});

test('thousands of lines arrive whole through a pipe', async () => {
  const routes = Array.from({ length: 1_500 }, (_, i) => `  - { path: "/${i}", upstream: nowhere }\n`).join('');
  const { stdout } = await sluice(['check', '--config', write('long.yml', `routes:\n${routes}`)], {}, folder);
  assert.equal(stdout.split('\n').length, 1_502);
  assert.match(stdout, /long\.yml is not valid: 1500 errors\n$/);
});

test('schema prints what editors get', async () => {
  const { code, stdout } = await sluice(['schema']);
  assert.equal(code, 0);
  assert.equal(stdout, readFileSync(join(root, 'config/proxy.schema.json'), 'utf8'));
  assert.equal((await sluice(['schema', 'x'])).code, 1);
});
