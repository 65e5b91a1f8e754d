/** Starts the programs that a benchmark compares, each as a process of its own that ends with the benchmark. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export interface Peer {
  readonly name: string;
  readonly url: string;
  /** The process that moves the bytes. */
  readonly pid: number;
  /** A process that looks after it; null: none. */
  readonly supervisorPid: number | null;
}

const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
const children: ChildProcess[] = [];
process.on('exit', () => {
  // Each leads a process group of its own.
  for (const child of children) killGroup(child.pid ?? 0);
  rmSync(folder, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

/** `cpu`: the processor to stay on; null: any. */
export async function startOrigin(cpu: number | null): Promise<Peer> {
  const port = await freePort();
  const body = JSON.stringify({ items: 'x'.repeat(1000) });
  return await startNginx('origin', 'origin.conf', cpu, port, { BODY: body });
}

export async function startNginxProxy(originPort: number, cpu: number | null): Promise<Peer> {
  return await startNginx('nginx', 'nginx.conf', cpu, await freePort(), { UPSTREAM_PORT: String(originPort) });
}

export async function startBareForwarder(originPort: number, cpu: number | null): Promise<Peer> {
  const port = await freePort();
  const file = join(root, 'load/peers/bare-forwarder.ts');
  const pid = launch('bare', cpu, [join(root, 'bin/pinned-node'), file, String(port), String(originPort)]);
  await answers('the bare forwarder', port);
  return { name: 'node:http + undici, bare', url: `http://127.0.0.1:${port}/`, pid, supervisorPid: null };
}

/** Takes bodies of any size. */
export async function startSink(cpu: number | null): Promise<Peer> {
  const port = await freePort();
  const pid = launch('sink', cpu, [join(root, 'bin/pinned-node'), join(root, 'load/peers/sink.ts'), String(port)]);
  await answers('the sink', port);
  return { name: 'sink', url: `http://127.0.0.1:${port}/`, pid, supervisorPid: null };
}

/** Takes OTLP and keeps none of it. */
export async function startCollector(cpu: number | null): Promise<Peer> {
  const port = await freePort();
  const pid = launch('collector', cpu, [
    join(root, 'bin/pinned-node'),
    join(root, 'load/peers/collector.ts'),
    String(port),
  ]);
  await answers('the collector', port);
  return { name: 'collector', url: `http://127.0.0.1:${port}`, pid, supervisorPid: null };
}

/**
 * One worker. `logging` is the config's section; an empty one leaves the defaults. `more`: other sections, and keys of
 * `proxy`. `program`: of another installation.
 */
export async function startGateway(
  name: string,
  originPort: number,
  cpu: number | null,
  logging: object,
  more: object = {},
  program: string = join(root, 'bin/sluice'),
): Promise<Peer> {
  const port = await freePort();
  const { proxy, ...sections } = more as { readonly proxy?: object };
  const config = {
    proxy: { host: '127.0.0.1', port, workers: 1, shutdown: { delay: 0, timeout: 1000 }, ...proxy },
    admin: { port: await freePort() },
    upstreams: [{ name: 'origin', url: `http://127.0.0.1:${originPort}` }],
    routes: [{ path: '/*', upstream: 'origin' }],
    logging,
    ...sections,
  };
  const file = join(folder, `gateway-${port}.yml`);
  writeFileSync(file, JSON.stringify(config));
  const supervisorPid = launch('gateway', cpu, [program, 'start', '--config', file]);
  await answers('the gateway', port);
  const pid = childOf(supervisorPid, 'workers/');
  return { name, url: `http://127.0.0.1:${port}/`, pid, supervisorPid };
}

/** Without persistence. */
export async function startRedis(cpu: number | null): Promise<Pick<Peer, 'url' | 'pid'>> {
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder];
  return { url: `redis://127.0.0.1:${port}`, pid: launch('redis', cpu, ['redis-server', ...args]) };
}

/** Processor time of a process and all its threads, in microseconds, in steps of 10 ms. */
export function cpuMicros(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

/** What a process holds in memory now, in MB. */
export function memoryMb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
}

async function startNginx(
  name: string,
  template: string,
  cpu: number | null,
  port: number,
  values: Readonly<Record<string, string>>,
): Promise<Peer> {
  const home = join(folder, name);
  mkdirSync(home);
  let config = readFileSync(join(import.meta.dirname, template), 'utf8').replace(/^#.*\n/gm, '');
  for (const [key, value] of Object.entries({ ...values, FOLDER: home, PORT: String(port) })) {
    config = config.replaceAll(new RegExp(`\\b${key}\\b`, 'g'), value);
  }
  const file = join(home, 'nginx.conf');
  writeFileSync(file, config);
  const supervisorPid = launch(name, cpu, ['nginx', '-p', home, '-e', join(home, 'error.log'), '-c', file]);
  await answers(name, port);
  return { name, url: `http://127.0.0.1:${port}/`, pid: childOf(supervisorPid, 'nginx'), supervisorPid };
}

function launch(name: string, cpu: number | null, command: readonly string[]): number {
  const [program = '', ...args] = cpu === null ? command : ['taskset', '-c', String(cpu), ...command];
  const output = openSync(join(folder, `${name}-${children.length}.log`), 'w');
  const child = spawn(program, args, { detached: true, stdio: ['ignore', output, output] });
  child.on('exit', (code) => {
    if (code === null) return;
    console.error(
      `${name} ended with ${code}:\n${readFileSync(join(folder, `${name}-${children.indexOf(child)}.log`), 'utf8')}`,
    );
    process.exit(1);
  });
  children.push(child);
  return child.pid ?? 0;
}

async function answers(name: string, port: number): Promise<void> {
  for (let tries = 0; tries < 1200; tries++) {
    const status = await fetch(`http://127.0.0.1:${port}/`).then(
      (answer) => answer.text().then(() => answer.status),
      () => 0,
    );
    if (status === 200) return;
    await delay(50);
  }
  throw new Error(`no answer from ${name} on port ${port} within a minute`);
}

function childOf(parent: number, text: string): number {
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const isChild = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent;
      if (isChild && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text)) return pid;
    } catch {
      // It has ended between the two looks.
    }
  }
  throw new Error(`process ${parent} has no child like ${text}`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nothing of it is left.
  }
}
