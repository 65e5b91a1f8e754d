/** `start --watch` follows the config file, `dev` also the code. */
import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { startLoad } from '../support/load.ts';
import { metric } from '../support/metric.ts';
import { copyProgram } from '../support/program-copy.ts';

const config = (status: number) => ({ upstreams: [], routes: [{ path: '/answer', respond: { status } }] });

test('a config that is written in place is taken up', async () => {
  const gateway = await startGateway({ config: config(201), flags: ['--watch'] });
  gateway.writeConfig(config(202));
  await answers(gateway, 202);
});

test('so is one that an editor puts in its place', async () => {
  const gateway = await startGateway({ config: config(201), flags: ['--watch'] });
  for (const status of [202, 203]) {
    gateway.writeConfigTo(`${gateway.configFile}.tmp`, config(status));
    renameSync(`${gateway.configFile}.tmp`, gateway.configFile);
    await answers(gateway, status);
  }
});

test('so is one that a symbolic link is turned to, as in a mounted ConfigMap', async () => {
  const gateway = await startGateway({ config: config(201), flags: ['--watch'] });
  const folder = dirname(gateway.configFile);
  for (const status of [202, 203]) {
    mkdirSync(join(folder, `..${status}`));
    gateway.writeConfigTo(join(folder, `..${status}`, 'proxy.yml'), config(status));
    symlinkSync(`..${status}`, join(folder, '..data_tmp'));
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
    if (status === 202) {
      rmSync(gateway.configFile);
      symlinkSync('..data/proxy.yml', gateway.configFile);
    }
    await answers(gateway, status);
  }
});

test('a burst of changes is one reload, and other files in the folder are none', async () => {
  const gateway = await startGateway({ config: config(201), flags: ['--watch'] });
  writeFileSync(join(dirname(gateway.configFile), 'notes.txt'), 'nothing to do with it');
  for (let status = 202; status <= 210; status++) gateway.writeConfig(config(status));
  await answers(gateway, 210);
  assert.equal(await metric(gateway.adminUrl, 'config_reloads_total'), 1);
});

test('dev also replaces the workers when their code changes, losing no request', async () => {
  const copy = copyProgram();
  const gateway = await startGateway({ config: config(200), command: 'dev', program: copy.program });
  const before = gateway.workers();
  const load = startLoad(`${gateway.url}/answer`);
  await load.more(20);
  copy.append('src/core/units.ts', '// changed');
  await gateway.log(({ msg }) => msg === 'all workers have been replaced', 'the replacement');
  await load.more(20);
  assert.deepEqual((await load.stop()).failures, []);
  assert.notDeepEqual(gateway.workers(), before);

  gateway.writeConfig(config(203));
  await answers(gateway, 203);
});

async function answers(gateway: Gateway, status: number): Promise<void> {
  await eventually(async () => {
    const response = await fetch(`${gateway.url}/answer`);
    await response.arrayBuffer();
    return response.status === status ? true : null;
  }, `status ${status}`);
}
