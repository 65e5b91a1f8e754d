/**
 * Runs the k6 scenarios, each against a gateway of two workers and an upstream that it starts: smoke, limits, reload.
 * What has to hold stands in the scenarios as checks and thresholds; one that does not makes the exit code 1.
 *
 *   npm run load -- [--seconds 20] [smoke] [limits] [reload]
 *
 * Needs k6: go install go.k6.io/k6@v1.8.1
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const names = ['smoke', 'limits', 'reload'] as const;
const { values, positionals } = parseArgs({
  options: { seconds: { type: 'string', default: '20' } },
  allowPositionals: true,
});
const seconds = Number(values.seconds);
const unknown = positionals.filter((name) => !names.some((known) => known === name));
if (unknown.length > 0 || !(seconds >= 1)) {
  console.error(`npm run load -- [--seconds 20] [${names.join('] [')}]: ${unknown.join(', ') || values.seconds}?`);
  process.exit(1);
}
const chosen = positionals.length === 0 ? names : names.filter((name) => positionals.includes(name));

const root = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'sluice-load-'));
const configFile = join(folder, 'proxy.yml');
const key = 'slk_only-for-the-load-tests';
const limit = { max: 50, windowMs: 1000 };
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

const upstream = createServer((request, answer) => void tell(request).then((text) => answer.end(text)));
const upstreamPort = await listen(upstream);
const port = await freePort();
const adminPort = await freePort();
const url = `http://127.0.0.1:${port}`;
writeConfig('odd');
const gateway = spawn(join(root, 'bin/sluice'), ['start', '--config', configFile], {
  stdio: ['ignore', 'ignore', 'inherit'],
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => gateway.kill('SIGKILL'));
await isReady();

const failed: string[] = [];
for (const name of chosen) if (!(await run(name))) failed.push(name);
gateway.kill('SIGTERM');
const [code] = (await once(gateway, 'exit')) as [number | null];
upstream.close();
upstream.closeAllConnections();
if (code !== 0) failed.push(`the gateway's own end, with ${code} instead of 0`);
console.log(failed.length === 0 ? `\nall held: ${chosen.join(', ')}` : `\nFAILED: ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;

async function run(name: (typeof names)[number]): Promise<boolean> {
  console.log(`\n== ${name}, ${seconds} s`);
  const env = {
    ...process.env,
    GATEWAY: url,
    KEY: key,
    SECONDS: String(seconds),
    MAX: String(limit.max),
    WINDOW_MS: String(limit.windowMs),
  };
  // The first reload also starts the thread that reads configs, which takes its time on a busy machine.
  if (name === 'reload') await reload();
  const k6 = spawn('k6', ['run', '--quiet', '--no-usage-report', join(import.meta.dirname, `${name}.js`)], {
    stdio: 'inherit',
    env,
  });
  const [ended] = await Promise.all([endOf(k6), name === 'reload' ? reloadUntilEnd(k6) : null]);
  return ended;
}

async function endOf(k6: ChildProcess): Promise<boolean> {
  k6.on('error', (error) => {
    console.error(`k6 can't be run (${error.message}): go install go.k6.io/k6@v1.8.1, and put it on the PATH`);
    gateway.kill('SIGKILL');
    process.exit(1);
  });
  const [exitCode] = (await once(k6, 'exit')) as [number | null];
  return exitCode === 0;
}

async function reloadUntilEnd(k6: ChildProcess): Promise<void> {
  while (k6.exitCode === null) {
    await delay(300);
    await reload();
  }
  console.log(`config version ${await configVersion()} is in force`);
}

/** Takes up the other config, and comes back when it is in force. */
async function reload(): Promise<void> {
  const version = (await configVersion()) + 1;
  writeConfig(version % 2 === 1 ? 'odd' : 'even');
  gateway.kill('SIGHUP');
  while (gateway.exitCode === null && (await configVersion()) < version) await delay(20);
}

async function configVersion(): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${adminPort}/config`);
  return ((await answer.json()) as { version: number }).version;
}

function writeConfig(version: string): void {
  const config = {
    proxy: { host: '127.0.0.1', port, workers: 2, shutdown: { delay: 0 } },
    admin: { port: adminPort },
    security: {
      auth: { type: 'apiKey', keys: [{ key: createHash('sha256').update(key).digest('hex'), name: 'load' }] },
    },
    upstreams: [{ name: 'origin', url: `http://127.0.0.1:${upstreamPort}` }],
    routes: [
      { path: '/api/*', upstream: 'origin', auth: 'required' },
      { path: '/limited', upstream: 'origin', rateLimit: { ...limit, key: 'all' } },
      { path: '/versioned', upstream: 'origin', response: { headers: { set: { 'X-Version': version } } } },
    ],
  };
  writeFileSync(configFile, JSON.stringify(config));
}

/** What the upstream saw, as its answer. */
async function tell(request: IncomingMessage): Promise<string> {
  let bytes = 0;
  for await (const chunk of request) bytes += (chunk as Buffer).length;
  const { 'x-api-key': seenKey = null, 'x-consumer-name': consumer = null } = request.headers;
  return JSON.stringify({ url: request.url, bytes, key: seenKey, consumer });
}

async function isReady(): Promise<void> {
  while (gateway.exitCode === null) {
    const isUp = await fetch(`http://127.0.0.1:${adminPort}/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isUp) return;
    await delay(50);
  }
  console.error('the gateway ended before it was ready');
  process.exit(1);
}

async function listen(server: ReturnType<typeof createServer>): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function freePort(): Promise<number> {
  const server = createServer();
  const free = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return free;
}
