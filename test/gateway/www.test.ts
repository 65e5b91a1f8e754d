/** bin/www is bin/sluice by its old name: for a shell, for Node, and for a Node that is too old to run the gateway itself. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type Gateway, startGateway } from '../support/gateway.ts';

const www = join(import.meta.dirname, '../../bin/www');
const folder = mkdtempSync(join(tmpdir(), 'sluice-www-'));
after(() => rmSync(folder, { recursive: true }));
let scripts = 0;

const config = {
  upstreams: [{ name: 'echo', builtin: 'echo' }],
  routes: [{ path: '/*', upstream: 'echo' }],
};

test('a shell runs it as a program, also through a link, as the process that is signalled', async () => {
  const link = join(folder, 'www');
  symlinkSync(www, link);
  const gateway = await startGateway({ config, program: link });
  assert.equal(await readyPid(gateway), gateway.pid);
  assert.deepEqual(await gateway.stop(), { code: 0, signal: null });
});

test('Node runs it as a script, as the process that is signalled; without a command it starts the gateway', async () => {
  // $1 is the command, which is left out here.
  const program = script(`shift; exec "${process.execPath}" "${www}" "$@"`);
  const gateway = await startGateway({ config, program });
  assert.equal(await readyPid(gateway), gateway.pid);
  assert.deepEqual(await gateway.stop(), { code: 0, signal: null });
});

test('a Node that is too old starts one that is not, and hands signals and exit code on', async () => {
  const old = join(folder, 'old.cjs');
  writeFileSync(old, "Object.defineProperty(process.versions, 'node', { value: '20.20.2' });");
  const program = script(`exec "${process.execPath}" --require "${old}" "${www}" "$@"`);
  const gateway = await startGateway({ config, program });
  assert.notEqual(await readyPid(gateway), gateway.pid);
  assert.equal(await gateway.reload({ ...config, routes: [{ path: '/new', upstream: 'echo' }] }), 'accepted');
  assert.deepEqual(await gateway.stop(), { code: 0, signal: null });

  const blocked = await startGateway({ config: 'routes: nonsense', program, waitFor: 'no' });
  assert.deepEqual(await blocked.exit, { code: 1, signal: null });
});

async function readyPid(gateway: Gateway): Promise<unknown> {
  return (await gateway.log(({ msg }) => msg === 'ready', 'the line of readiness'))['pid'];
}

function script(body: string): string {
  const file = join(folder, `program-${scripts++}`);
  writeFileSync(file, `#!/bin/sh\n${body}\n`);
  chmodSync(file, 0o755);
  return file;
}
