/** `start --watch` follows the config file, `dev` also the code. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../support/deadline.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { startLoad } from '../support/load.ts';
import { metric } from '../support/metric.ts';
import { copyProgram } from '../support/program-copy.ts';

/** Of supervisor/watch-config.ts. */
const settleMs = 200;

const config = (status: number) => ({ upstreams: [], routes: [{ path: '/answer', respond: { status } }] });

const gateway = await startGateway({ config: config(201), flags: ['--watch'] });

test('a config that is written in place is taken up', async () => {
  gateway.writeConfig(config(202));
  await answers(gateway, 202);
});

test('so is one that an editor puts in its place', async () => {
  for (const status of [203, 204]) {
    gateway.writeConfigTo(`${gateway.configFile}.tmp`, config(status));
    renameSync(`${gateway.configFile}.tmp`, gateway.configFile);
    await answers(gateway, status);
  }
});

test('one that is written in two steps is read when it is whole', async () => {
  const whole = `${gateway.configFile}.whole`;
  const rejections = () => metric(gateway.adminUrl, 'config_reloads_total', { result: 'rejected' });
  for (let status = 210; status < 240; status++) {
    gateway.writeConfigTo(whole, config(status));
    const text = readFileSync(whole, 'utf8');
    const before = await rejections();
    const begunAt = performance.now();
    // As a program does that writes in pieces.
    writeFileSync(gateway.configFile, text.slice(0, text.length / 2));
    await delay(130);
    writeFileSync(gateway.configFile, text);
    const tookMs = performance.now() - begunAt;
    await answers(gateway, status);
    // Where this process was held up in between, the file was really half for a while: then it is tried again.
    if (tookMs >= settleMs) continue;
    assert.equal(await rejections(), before);
    return;
  }
  assert.fail('the machine is too busy to write a file in two steps');
});

test('of a hundred changes the last is in force after a few reloads, and other files in the folder are none', async () => {
  const before = await metric(gateway.adminUrl, 'config_reloads_total', { result: 'accepted' });
  writeFileSync(join(dirname(gateway.configFile), 'notes.txt'), 'nothing to do with it');
  for (let i = 0; i < 100; i++) gateway.writeConfig(config(300 + i));
  await answers(gateway, 399);
  const reloads = (await metric(gateway.adminUrl, 'config_reloads_total', { result: 'accepted' })) - before;
  assert.ok(reloads >= 1 && reloads <= 20, `${reloads} reloads`);
});

test('a folder in which something else is written without end does not keep it from being noticed', async () => {
  const noise = setInterval(
    () => writeFileSync(join(dirname(gateway.configFile), 'noise.log'), String(Math.random())),
    20,
  );
  gateway.writeConfig(config(206));
  await answers(gateway, 206).finally(() => clearInterval(noise));
});

test('one that a symbolic link is turned to, as in a mounted ConfigMap, is taken up', async () => {
  const folder = dirname(gateway.configFile);
  for (const status of [207, 208]) {
    mkdirSync(join(folder, `..${status}`));
    gateway.writeConfigTo(join(folder, `..${status}`, 'proxy.yml'), config(status));
    symlinkSync(`..${status}`, join(folder, '..data_tmp'));
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
    if (status === 207) {
      rmSync(gateway.configFile);
      symlinkSync('..data/proxy.yml', gateway.configFile);
    }
    await answers(gateway, status);
  }
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
