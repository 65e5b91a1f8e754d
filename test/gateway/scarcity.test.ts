/** Too few file descriptors for what the config allows: one warning at the start. Too low a soft limit is raised. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type Gateway, startGateway } from '../support/gateway.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-scarcity-'));
after(() => rmSync(folder, { recursive: true }));

const config = {
  proxy: { limits: { maxConnections: 300 } },
  upstreams: [{ name: 'echo', builtin: 'echo' }],
  routes: [{ path: '/*', upstream: 'echo' }],
};

test('a hard limit that is too low is warned of, with the sum', async () => {
  const gateway = await startGateway({ config, program: limited('ulimit -n 256') });
  const [warning, ...more] = await scarcities(gateway);
  assert.deepEqual(more, []);
  assert.equal(warning?.['limit'], 256);
  assert.equal(warning?.['needed'], 364);
  assert.equal((await fetch(gateway.url)).status, 200);
});

test('a soft limit that is too low is raised', async () => {
  const gateway = await startGateway({ config, program: limited('ulimit -n 1000; ulimit -S -n 256') });
  assert.deepEqual(await scarcities(gateway), []);
});

/** The warnings before the line of readiness: those of a process come in order. */
async function scarcities(gateway: Gateway): Promise<Gateway['logs']> {
  await gateway.log(({ msg }) => msg === 'ready', 'the line of readiness');
  return gateway.logs.filter(({ msg }) => String(msg).includes('file descriptors'));
}

/** bin/sluice under another limit of open files. */
function limited(commands: string): string {
  const file = join(folder, commands.replaceAll(/\W+/g, '-'));
  writeFileSync(file, `#!/bin/sh\n${commands}\nexec "${join(import.meta.dirname, '../../bin/sluice')}" "$@"\n`);
  chmodSync(file, 0o755);
  return file;
}
