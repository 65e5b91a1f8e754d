/**
 * What the container allows, and so how many workers fit in: cgroups, version 1 or 2, or the machine where there is no
 * limit. Node's own `availableParallelism` knows quotas under version 2 only.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';

const mb = 1024 ** 2;

/** What processes take before they hold anything for requests (measured; docs/deployment.md has the numbers). */
const supervisorBytes = 100 * mb;
const emptyWorkerBytes = 40 * mb;
/** With less a worker would spend its time on collecting garbage, or not even start. Who asks for too many may run out of memory. */
const leastShareBytes = 64 * mb;
/** `workers: auto` starts no worker that would have less. */
const comfortableShareBytes = 80 * mb;

/** For `workers: auto`: one for each whole CPU, as far as memory goes, and at least one. */
export function countWorkers(cpus: number, memoryBytes: number): number {
  const byMemory = Math.floor((memoryBytes - supervisorBytes) / (emptyWorkerBytes + comfortableShareBytes));
  return Math.max(1, Math.min(Math.floor(cpus), byMemory));
}

/** What a worker may hold for requests, heap and buffers: its part of the memory, without what the processes take anyway. */
export function workerShareBytes(memoryBytes: number, workers: number): number {
  return Math.max(leastShareBytes, (memoryBytes - supervisorBytes) / workers - emptyWorkerBytes);
}

/** With less, so many workers may be ended by the kernel before they shed load. */
export function leastMemoryBytes(workers: number): number {
  return supervisorBytes + workers * (emptyWorkerBytes + leastShareBytes);
}

/** CPUs that the container may use at a time; a fraction where its quota is one. */
export function readCpuLimit(): number {
  return Math.min(availableParallelism(), readCpuQuota('/') ?? Number.POSITIVE_INFINITY);
}

/** The container's limit, or the machine's memory when there is none. It does not change while the process lives. */
export function readMemoryLimit(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}

/** The smallest quota of the process's group and those above it. Null: none. `root` has `proc` and `sys` below it. */
export function readCpuQuota(root: string): number | null {
  const groups = read(join(root, 'proc/self/cgroup'))?.split('\n') ?? [];
  const quotas = groups.flatMap((line) => quotasOf(root, line));
  return quotas.length === 0 ? null : Math.min(...quotas);
}

/** `line`: `0::/path` of version 2, or `4:cpu,cpuacct:/path` of version 1. */
function quotasOf(root: string, line: string): number[] {
  const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
  if (controllers === undefined || path === undefined) return [];
  const folder = join(root, 'sys/fs/cgroup');
  if (controllers === '') return foldersUpFrom(path).flatMap((group) => readQuotaV2(join(folder, group)) ?? []);
  if (!controllers.split(',').includes('cpu')) return [];
  // A distribution that mounts the two controllers together may leave out the link with the short name.
  const mount = [controllers, 'cpu'].map((name) => join(folder, name)).find((name) => readQuotaFile(name) !== null);
  return mount === undefined ? [] : foldersUpFrom(path).flatMap((group) => readQuotaV1(join(mount, group)) ?? []);
}

/** A group's folder and all above it: each may have a limit. Inside of a container only the last one may be there. */
function foldersUpFrom(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '..');
  return parts.map((_, i) => parts.slice(0, parts.length - i).join('/')).concat('');
}

/** `150000 100000`, or `max 100000` */
function readQuotaV2(folder: string): number | null {
  const [quota, period] = read(join(folder, 'cpu.max'))?.split(' ') ?? [];
  return divide(quota, period);
}

function readQuotaV1(folder: string): number | null {
  return divide(readQuotaFile(folder), read(join(folder, 'cpu.cfs_period_us')));
}

function readQuotaFile(folder: string): string | null {
  return read(join(folder, 'cpu.cfs_quota_us'));
}

/** Null where there is no limit, which is written as `max` or -1. */
function divide(quota: string | null | undefined, period: string | null | undefined): number | null {
  const cpus = Number(quota ?? Number.NaN) / Number(period ?? Number.NaN);
  return Number.isFinite(cpus) && cpus > 0 ? cpus : null;
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return null;
  }
}
