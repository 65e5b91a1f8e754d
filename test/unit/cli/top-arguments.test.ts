/** Which gateway `sluice top` means, and what it is told. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readTopArguments, UsageProblem } from '../../../src/cli/top/arguments.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-top-'));
after(() => rmSync(folder, { recursive: true }));

test('the config says where the admin listener is, and with which token', () => {
  const sourceOf = (admin: string): unknown =>
    readTopArguments(['--config', write(`admin: ${admin}\nroutes: []\n`)], {}).source;
  assert.deepEqual(sourceOf('{}'), { url: 'http://127.0.0.1:9901', token: null });
  assert.deepEqual(sourceOf('{ host: 0.0.0.0, port: 80, token: abc }'), {
    url: 'http://127.0.0.1:80',
    token: 'abc',
  });
  assert.deepEqual(sourceOf('{ host: "::" }'), { url: 'http://[::1]:9901', token: null });
  assert.deepEqual(sourceOf('{ host: "fd00::1" }'), { url: 'http://[fd00::1]:9901', token: null });
  assert.throws(() => sourceOf('{ port: 0 }'), says(/turns the admin listener off/));
  assert.throws(() => sourceOf('{ hst: x }'), says(/--url may\n.*:1:10 .*hst/s));
});

test('secrets that only the gateway has, and mistakes elsewhere in the file, are not in the way', () => {
  const config = write(
    'defaults: &port 9902\nsecurity: { auth: { type: apiKey, secret: "${UNSET}", keysFile: none.yml } }\n' +
      'admin:\n  port: *port\n  token: "${TOKEN}"\nroutes: [{ path: nonsense }]\n',
  );
  assert.deepEqual(readTopArguments(['--config', config], { TOKEN: 'abc' }).source, {
    url: 'http://127.0.0.1:9902',
    token: 'abc',
  });
  assert.throws(() => readTopArguments(['--config', config], {}), says(/admin\.token: the environment variable TOKEN/));
});

test('the token of the config need not be at hand for who brings one', () => {
  const config = write('admin: { port: 9902, token: "${TOKEN}" }\n');
  const { source } = readTopArguments(['--config', config], { SLUICE_ADMIN_TOKEN: 'mine' });
  assert.deepEqual(source, { url: 'http://127.0.0.1:9902', token: 'mine' });
});

test('a token from a file comes before the one of the environment, and that before the one of the config', () => {
  const config = write('admin: { token: from-config }\nroutes: []\n');
  const file = join(folder, 'token');
  writeFileSync(file, 'from-file\n');
  const tokenOf = (args: string[], env = {}): unknown =>
    readTopArguments(['--config', config, ...args], env).source.token;
  assert.equal(tokenOf([]), 'from-config');
  assert.equal(tokenOf([], { SLUICE_ADMIN_TOKEN: 'from-env' }), 'from-env');
  assert.equal(tokenOf(['--token-file', file], { SLUICE_ADMIN_TOKEN: 'from-env' }), 'from-file');
  assert.throws(() => tokenOf(['--token-file', join(folder, 'none')]), says(/--token-file can't be read/));
});

test('a url stands for itself: the token of a config does not go to another address', () => {
  const { source } = readTopArguments(['--url', 'http://10.0.0.1:9901/'], {});
  assert.deepEqual(source, { url: 'http://10.0.0.1:9901', token: null });
});

test('what can not be understood is told with what can', () => {
  const complaints: [string[], RegExp][] = [
    [['--url', 'nonsense'], /--url takes a url such as http:\/\/127\.0\.0\.1:9901, got "nonsense"/],
    [['--url', 'ftp://x'], /--url takes a url/],
    [['--url', 'http://a:b@127.0.0.1'], /--url takes no user and password/],
    [['--config', join(folder, 'none.yml')], /none\.yml does not tell, --url may/],
    [['--sort', 'size'], /--sort takes rate, p99, errors, refused, name, got "size"/],
    [['--token', 'x'], /usage: sluice top/],
    [['more'], /usage: sluice top/],
  ];
  for (const [args, complaint] of complaints) assert.throws(() => readTopArguments(args, {}), says(complaint));
});

let files = 0;

function write(text: string): string {
  const file = join(folder, `proxy-${files++}.yml`);
  writeFileSync(file, text);
  return file;
}

function says(pattern: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof UsageProblem && pattern.test(error.message);
}
