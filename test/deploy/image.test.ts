/** The Dockerfile: what it copies is there and let in, and what runs in the image needs nothing else. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readText } from '../support/manifests.ts';

const root = join(import.meta.dirname, '../..');
const lines = readText('Dockerfile').replaceAll('\\\n', ' ').split('\n');
const copied = lines.flatMap((line) => {
  const [, names] = /^COPY (?!--from)(.+) \S+$/.exec(line) ?? [];
  return names === undefined ? [] : names.split(' ');
});

test('what is copied is there, and let in by .dockerignore, which lets in nothing else', () => {
  const letIn = readText('.dockerignore')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1));
  assert.deepEqual([...new Set(copied)].sort(), letIn.sort());
  const there = readdirSync(root);
  for (const name of copied) assert.ok(there.includes(name), name);
});

test('what runs in the image imports no package that only development has', () => {
  const { dependencies } = JSON.parse(readText('package.json')) as { dependencies: Record<string, string> };
  for (const folder of ['src', 'supervisor', 'workers']) {
    for (const file of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts')) continue;
      for (const name of packagesOf(`${folder}/${file}`)) assert.ok(name in dependencies, `${folder}/${file}: ${name}`);
    }
  }
});

test('it runs as a user that is given by number and is not root, and obeys SIGTERM', () => {
  const user = /^USER (\d+):(\d+)$/m.exec(lines.join('\n'));
  assert.ok(Number(user?.[1]) > 0 && Number(user?.[2]) > 0);
  assert.ok(lines.includes('STOPSIGNAL SIGTERM'));
});

test('commands are lists: there is no shell in the image that could read them', () => {
  const commands = lines.filter((line) => /^(ENTRYPOINT|CMD|HEALTHCHECK)/.test(line));
  assert.equal(commands.length, 3);
  for (const command of commands) assert.ok(Array.isArray(JSON.parse(command.slice(command.indexOf('[')))), command);
});

/** Packages that are imported when the file runs; types are not. */
function packagesOf(file: string): string[] {
  const imports = readText(file).matchAll(
    /^(?:import|export) (?!type)[^;]*?from '([^.'][^']*)'|import\('([^.'][^']*)'\)/gm,
  );
  return [...imports]
    .map(([, from, called]) => from ?? called ?? '')
    .filter((name) => !name.startsWith('node:'))
    .map((name) => name.split('/', name.startsWith('@') ? 2 : 1).join('/'));
}
