/** bin/pinned-node becomes the first Node that is new enough, and says in one line what to do when there is none. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const folder = mkdtempSync(join(tmpdir(), 'sluice-pinned-'));
after(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, 'bin'));
const script = join(folder, 'bin', 'pinned-node');
copyFileSync(new URL('../../bin/pinned-node', import.meta.url), script);
// A Node that is too old: it finds so itself, by the exit code of the question.
const oldNode = join(folder, 'node');
writeFileSync(oldNode, '#!/bin/sh\nexit 1\n');
chmodSync(oldNode, 0o755);
const PATH = `${folder}:/usr/bin:/bin`;

test('with none pinned and too old a Node, one line says what to do', () => {
  const run = spawnSync(script, ['-e', 'console.log(1)'], { env: { PATH }, encoding: 'utf8' });
  assert.equal(run.status, 1);
  assert.equal(run.stdout, '');
  assert.match(
    run.stderr,
    /^sluice: needs Node 22\.19 or newer and found none: run 'npm ci' in .+, or install Node 24\n$/,
  );
});

test('a Node that is new enough takes the place of the shell, so that signals reach it', () => {
  const run = spawnSync('/bin/sh', ['-c', `echo $$; exec "${script}" -p process.pid`], {
    env: { PATH, SLUICE_NODE: process.execPath },
    encoding: 'utf8',
  });
  const [shell, node] = run.stdout.trim().split('\n');
  assert.equal(run.status, 0, run.stderr);
  assert.equal(node, shell);
});
