/** `start --watch` also follows the files that the config reads: keys, schemas, texts, certificates of upstreams. */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';
import { metric } from '../support/metric.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-watch-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string): string => join(folder, name);
/** Put in its place as editors do. */
const put = (name: string, text: string): void => {
  writeFileSync(file(`${name}.tmp`), text);
  renameSync(file(`${name}.tmp`), file(name));
};

put('text.txt', 'first');
mkdirSync(file('..1'));
put('..1/keys.yml', '[]');
symlinkSync('..1', file('..data'));
symlinkSync('..data/keys.yml', file('keys.yml'));
const gateway = await startGateway({
  config: {
    security: { auth: { type: 'apiKey', keysFile: file('keys.yml') } },
    routes: [
      { path: '/text', respond: { status: 200, body: `\${file:${file('text.txt')}}` } },
      { path: '/locked', auth: 'required', respond: { status: 204 } },
      { path: '/checked', validate: { query: {} }, respond: { status: 204 } },
    ],
  },
  flags: ['--watch'],
});

test('a text that the config reads is taken up when it changes', async () => {
  put('text.txt', 'second');
  await eventually(async () => ((await (await fetch(`${gateway.url}/text`)).text()) === 'second' ? true : null), 'it');
});

test('so are keys in a mounted folder whose link is turned', async () => {
  mkdirSync(file('..2'));
  put('..2/keys.yml', `- { name: a, key: ${hash('sha256', 'the-key')} }\n`);
  symlinkSync('..2', file('..data_tmp'));
  renameSync(file('..data_tmp'), file('..data'));
  const headers = { 'x-api-key': 'the-key' };
  const ask = async () => ((await fetch(`${gateway.url}/locked`, { headers })).status === 204 ? true : null);
  await eventually(ask, 'the key');
});

test('a file that is missing is an error, and taken up when it is there', async () => {
  rmSync(file('text.txt'));
  await gateway.log(({ msg }) => String(msg).includes('text.txt" can\'t be read'), 'the error');
  assert.equal(await (await fetch(`${gateway.url}/text`)).text(), 'second');
  put('text.txt', 'third');
  await eventually(async () => ((await (await fetch(`${gateway.url}/text`)).text()) === 'third' ? true : null), 'it');
});

test('a file that only a later config reads is followed from then on, and others no more', async () => {
  put('new.txt', 'new');
  gateway.writeConfig({
    routes: [{ path: '/text', respond: { status: 200, body: `\${file:${file('new.txt')}}` } }],
  });
  const text = (expected: string) =>
    eventually(async () => ((await (await fetch(`${gateway.url}/text`)).text()) === expected ? true : null), expected);
  await text('new');
  const version = await metric(gateway.adminUrl, 'config_version');
  put('text.txt', 'nobody reads this');
  put('new.txt', 'newer');
  await text('newer');
  assert.equal(await metric(gateway.adminUrl, 'config_version'), version + 1);
});
