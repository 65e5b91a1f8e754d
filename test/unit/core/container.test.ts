/** What the container allows is read from its control groups, version 1 and 2, and says how many workers fit in. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { countWorkers, readCpuLimit, readCpuQuota, workerShareBytes } from '../../../src/core/container.ts';

const mb = 1024 ** 2;
const folder = mkdtempSync(join(tmpdir(), 'sluice-cgroups-'));
after(() => rmSync(folder, { recursive: true }));
let trees = 0;

test('version 2: the quota of the process’s group, in CPUs', () => {
  assert.equal(quota({ 'proc/self/cgroup': '0::/pod/app\n', 'sys/fs/cgroup/pod/app/cpu.max': '150000 100000\n' }), 1.5);
});

test('version 2: a group above may allow less', () => {
  const files = {
    'proc/self/cgroup': '0::/pod/app\n',
    'sys/fs/cgroup/pod/app/cpu.max': 'max 100000\n',
    'sys/fs/cgroup/pod/cpu.max': '50000 100000\n',
    'sys/fs/cgroup/cpu.max': '400000 100000\n',
  };
  assert.equal(quota(files), 0.5);
});

test('version 2 inside of a container: its group is the root, whatever the path says', () => {
  const root = { 'sys/fs/cgroup/cpu.max': '200000 100000\n' };
  assert.equal(quota({ 'proc/self/cgroup': '0::/\n', ...root }), 2);
  assert.equal(quota({ 'proc/self/cgroup': '0::/../../docker/abc\n', ...root }), 2);
});

test('version 1: the quota, with the controllers mounted together or apart', () => {
  for (const [mount, controllers] of [
    ['cpu', 'cpu'],
    ['cpu,cpuacct', 'cpu,cpuacct'],
    ['cpu', 'cpu,cpuacct'],
  ]) {
    const files = {
      'proc/self/cgroup': `5:memory:/docker/abc\n4:${controllers}:/docker/abc\n0::/\n`,
      [`sys/fs/cgroup/${mount}/cpu.cfs_quota_us`]: '-1\n',
      [`sys/fs/cgroup/${mount}/docker/abc/cpu.cfs_quota_us`]: '50000\n',
      [`sys/fs/cgroup/${mount}/docker/abc/cpu.cfs_period_us`]: '100000\n',
    };
    assert.equal(quota(files), 0.5, `${mount} ${controllers}`);
  }
});

test('version 1 inside of a container: the path is one of the machine, and the group is the root', () => {
  const files = {
    'proc/self/cgroup': '4:cpu,cpuacct:/docker/abc\n',
    'sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '250000\n',
    'sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': '100000\n',
  };
  assert.equal(quota(files), 2.5);
});

test('no quota: none is written, none can be read, or it is no number', () => {
  assert.equal(quota({}), null);
  assert.equal(quota({ 'proc/self/cgroup': '0::/\n' }), null);
  assert.equal(quota({ 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/cpu.max': 'max 100000\n' }), null);
  assert.equal(quota({ 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/cpu.max': '\n' }), null);
  const unlimited = {
    'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
    'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
  };
  assert.equal(quota({ 'proc/self/cgroup': '4:cpu:/\n', ...unlimited }), null);
});

test('the limit is never more than the machine has', () => {
  const limit = readCpuLimit();
  assert.ok(limit > 0 && limit <= availableParallelism(), String(limit));
});

test('auto is one worker for each whole CPU', () => {
  assert.equal(countWorkers(8, 64_000 * mb), 8);
  assert.equal(countWorkers(2.5, 64_000 * mb), 2);
  assert.equal(countWorkers(0.5, 64_000 * mb), 1);
});

test('auto is not more than memory has room for: a node with many CPUs may give a container little memory', () => {
  assert.equal(countWorkers(64, 256 * mb), 1);
  assert.equal(countWorkers(64, 1024 * mb), 7);
  assert.equal(countWorkers(64, 64 * mb), 1);
});

test('the shares of the workers and what the processes take stay within the limit', () => {
  for (const [limitMb, workers] of [
    [256, 1],
    [512, 2],
    [4096, 8],
  ] as const) {
    const inAll = 100 * mb + workers * (40 * mb + workerShareBytes(limitMb * mb, workers));
    assert.ok(inAll <= limitMb * mb, `${limitMb} MB, ${workers} workers: ${inAll / mb} MB`);
  }
});

function quota(files: Readonly<Record<string, string>>): number | null {
  const root = join(folder, String(trees++));
  for (const [name, content] of Object.entries(files)) {
    const file = join(root, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
  return readCpuQuota(root);
}
