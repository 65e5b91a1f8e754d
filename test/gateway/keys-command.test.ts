/** `sluice keys`: what it prints works in the config that it was made for. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parse } from 'yaml';
import { startGateway } from '../support/gateway.ts';
import { ask } from '../support/raw-client.ts';

const program = join(import.meta.dirname, '../../bin/sluice');
const folder = mkdtempSync(join(tmpdir(), 'sluice-keys-'));
after(() => rmSync(folder, { recursive: true }));

const secret = 'top secret';
const routes = 'routes: [{ path: /, respond: { status: 204 } }]\n';
write('proxy.yml', `security: { auth: { type: apiKey, secret: "\${KEY_SECRET}" } }\n${routes}`);
write('plain.yml', routes);

test('a new key and the lines for the config open a route', async () => {
  const { code, stdout, stderr } = await keys(['new', '--name', 'Client "A"', '--config', 'proxy.yml']);
  assert.deepEqual([code, stderr], [0, '']);
  const [key = '', ...others] = stdout.match(/slk_[\w-]{43}/g) ?? [];
  assert.deepEqual(others, [], 'the key is printed once');
  const entries = parse(stdout.slice(stdout.indexOf('  - key:'))) as { key: string; name: string }[];
  assert.deepEqual(entries, [{ key: hmac(key), name: 'Client "A"' }]);
  const gateway = await startGateway({
    config: {
      security: { auth: { type: 'apiKey', secret, keys: entries } },
      routes: [{ path: '/', auth: 'required', respond: { status: 204 } }],
    },
  });
  const answer = await ask(gateway.port, `GET / HTTP/1.1\r\nHost: a\r\nX-API-Key: ${key}\r\n\r\n`);
  assert.equal(answer.status, 204);
});

test('no two new keys are alike', async () => {
  const made = await Promise.all([1, 2].map(() => keys(['new', '--name', 'A', '--config', 'proxy.yml'])));
  assert.equal(new Set(made.map(({ stdout }) => /slk_[\w-]{43}/.exec(stdout)?.[0])).size, 2);
});

test('hash reads a key from standard input, without the white space around it', async () => {
  for (const input of ['some key', 'some key\n', '  some key\r\n']) {
    const { code, stdout } = await keys(['hash', '--config', 'proxy.yml'], input);
    assert.deepEqual([code, stdout], [0, `${hmac('some key')}\n`]);
  }
  // A header field carries the bytes of UTF-8.
  assert.equal((await keys(['hash', '--config', 'proxy.yml'], 'schlüssel')).stdout, `${hmac('schlüssel')}\n`);
});

test('without a secret the hash is plain SHA-256, and a warning says so', async () => {
  const plain = `${createHash('sha256').update('some key').digest('hex')}\n`;
  const without = await keys(['hash', '--config', 'plain.yml'], 'some key');
  assert.deepEqual([without.code, without.stdout], [0, plain]);
  assert.match(without.stderr, /plain\.yml has no security\.auth\.secret: the hash is plain SHA-256/);
  const absent = await keys(['hash'], 'some key');
  assert.deepEqual([absent.code, absent.stdout], [0, plain]);
  assert.match(absent.stderr, /there is no config\/proxy\.yml: the hash is plain SHA-256/);
});

test('SLUICE_CONFIG names the config, as for start', async () => {
  const { stdout } = await keys(['hash'], 'some key', { SLUICE_CONFIG: 'proxy.yml' });
  assert.equal(stdout, `${hmac('some key')}\n`);
});

test('a config that can’t be read gives no hash, which would be a wrong one', async () => {
  for (const [file, said] of [
    ['proxy.yml', /KEY_SECRET/],
    ['missing.yml', /missing\.yml/],
  ] as const) {
    const { code, stdout, stderr } = await keys(['hash', '--config', file], 'some key', { KEY_SECRET: undefined });
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, said);
  }
});

for (const [args, input, said] of [
  [[], '', /usage: sluice keys new/],
  [['make'], '', /keys: "make" is nothing/],
  [['new'], '', /--name/],
  [['new', '--name', 'é'], '', /printable ASCII/],
  [['new', '--name', ''], '', /printable ASCII/],
  [['hash', '--nme', 'x'], '', /'--nme'/],
  [['hash', 'slk_typed'], '', /standard input/],
  [['hash'], '', /no key/],
  [['hash'], '\n', /no key/],
  [['hash'], 'slk_two\nlines', /one line/],
  [['hash'], `slk_${'k'.repeat(1024)}`, /1024/],
] as const) {
  test(`keys ${args.join(' ')} with ${JSON.stringify(input.slice(0, 20))} says what is wrong`, async () => {
    const { code, stdout, stderr } = await keys(args, input);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, said);
    assert.doesNotMatch(stderr, /slk_/);
  });
}

interface Outcome {
  readonly code: number | string | null;
  readonly stdout: string;
  readonly stderr: string;
}

function keys(
  args: readonly string[],
  input = '',
  env: Readonly<Record<string, string | undefined>> = {},
): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = { cwd: folder, env: { ...process.env, KEY_SECRET: secret, ...env }, timeout: 30_000 };
    const child = execFile(program, ['keys', ...args], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : (error.code ?? null), stdout, stderr });
    });
    // What is not read, because the command line is wrong, is no error of this test.
    child.stdin?.once('error', () => {});
    child.stdin?.end(input);
  });
}

function write(name: string, text: string): void {
  writeFileSync(join(folder, name), text);
}

function hmac(key: string): string {
  return createHmac('sha256', secret).update(key).digest('hex');
}
