/** A real gateway: `bin/sluice start` as a process of its own, on free ports, with a config file of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { parseDocument } from 'yaml';
import { eventually, within } from './deadline.ts';
import { type HeldSocket, handOver } from './held-socket.ts';
import { freePorts } from './ports.ts';
import { childrenOf, killGroup, killGroupAtExit } from './processes.ts';

export interface GatewayOptions {
  /** YAML text, or an object that is written as YAML. Host and ports are filled in. */
  readonly config: string | object;
  /** = 1 */
  readonly workers?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** = 'ready'. 'no' returns at once: for starts that must fail, and for gateways that can't be ready. */
  readonly waitFor?: 'ready' | 'no';
  /** = 'start' */
  readonly command?: 'start' | 'dev';
  /** Further flags of the command. */
  readonly flags?: readonly string[];
  /** = the project's own bin/sluice */
  readonly program?: string;
  /** Listening sockets that it is handed over, as by systemd. Absent: it binds free ports. */
  readonly sockets?: { readonly proxy: HeldSocket; readonly admin: HeldSocket };
}

export interface GatewayExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export type LogLine = Readonly<Record<string, unknown>>;

/** SLUICE_BIN names another one to test: an installed gateway, say. */
const program = process.env['SLUICE_BIN'] ?? join(import.meta.dirname, '../../bin/sluice');
const startMs = 60_000;
const stopMs = 30_000;

/** Ready when it resolves; ended when the test or the file that started it is over. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const started: Gateway[] = [];
  after(() => Promise.all(started.map((gateway) => gateway.stop())));
  for (let attempt = 1; ; attempt++) {
    const [port = 0, adminPort = 0] = await freePorts(2);
    const gateway = new Gateway(options, port, adminPort);
    started.push(gateway);
    if (options.waitFor === 'no') return gateway;
    const outcome = await Promise.race([gateway.ready().then(() => null), gateway.exit]);
    if (outcome === null) return gateway;
    // Another process may have taken a port after it was found free.
    const isClash = gateway.stderr.concat(gateway.stdout).includes('EADDRINUSE');
    if (!isClash || attempt === 3) {
      throw new Error(`the gateway ended with ${outcome.code ?? outcome.signal}:\n${gateway.output()}`);
    }
  }
}

export class Gateway {
  readonly port: number;
  readonly adminPort: number;
  readonly url: string;
  readonly adminUrl: string;
  readonly configFile: string;
  readonly pid: number;
  readonly exit: Promise<GatewayExit>;
  stdout = '';
  stderr = '';
  readonly #process: ChildProcess;
  readonly #folder: string;
  readonly #watchers = new Set<() => void>();
  #ended = false;

  constructor(options: GatewayOptions, port: number, adminPort: number) {
    const { sockets } = options;
    this.port = sockets?.proxy.port ?? port;
    this.adminPort = sockets?.admin.port ?? adminPort;
    this.url = `http://127.0.0.1:${this.port}`;
    this.adminUrl = `http://127.0.0.1:${this.adminPort}`;
    this.#folder = mkdtempSync(join(tmpdir(), 'sluice-test-'));
    this.configFile = join(this.#folder, 'proxy.yml');
    this.writeConfig(options.config);
    // A process group of its own, so that whatever is left of it can be ended as a whole.
    const { command = 'start', workers = 1, flags = [] } = options;
    const args = [command, '--config', this.configFile, '--workers', String(workers), ...flags];
    const handover = sockets === undefined ? null : handOver({ proxy: sockets.proxy, admin: sockets.admin });
    const [file = '', ...rest] = [...(handover?.command ?? []), options.program ?? program, ...args];
    this.#process = spawn(file, rest, {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', ...(handover?.fds ?? [])],
      env: { ...process.env, ...handover?.env, ...options.env },
    });
    this.pid = this.#process.pid ?? 0;
    killGroupAtExit(this.pid);
    this.exit = new Promise((resolve) => {
      this.#process.once('close', (code, signal) => {
        this.#ended = true;
        this.#look();
        resolve({ code, signal });
      });
    });
    this.#process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.#look();
    });
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.#look();
    });
  }

  /** Everything logged so far; lines that are no JSON are left out. */
  get logs(): LogLine[] {
    const lines = this.stdout.split('\n');
    lines.pop();
    return lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as LogLine);
  }

  /** Waits for a log line, past or future. */
  async log(matches: (line: LogLine) => boolean, what = 'a log line'): Promise<LogLine> {
    let stop = (): void => {};
    const found = new Promise<LogLine>((resolve, reject) => {
      const look = (): void => {
        const line = this.logs.find(matches);
        if (line !== undefined) resolve(line);
        if (this.#ended) reject(new Error(`the gateway ended before ${what}`));
      };
      this.#watchers.add(look);
      stop = () => this.#watchers.delete(look);
      look();
    });
    try {
      return await within(found, what);
    } finally {
      stop();
    }
  }

  /** The access log's line of the request with this X-Request-Id. */
  accessLog(requestId: string): Promise<LogLine> {
    return this.log((line) => line['requestId'] === requestId, `the access log of ${requestId}`);
  }

  /** Pids of the workers that are alive. */
  workers(): number[] {
    return childrenOf(this.pid, 'workers/');
  }

  /** Waits until the admin listener says UP. */
  async ready(): Promise<void> {
    await eventually(() => (this.#ended ? true : answersUp(this.adminUrl)), 'the gateway to be ready', startMs).catch(
      (error: Error) => {
        throw new Error(`${error.message}:\n${this.output()}`);
      },
    );
  }

  /** Replaces the config file; `reload` also asks the gateway to take it up. */
  writeConfig(config: string | object): void {
    this.writeConfigTo(this.configFile, config);
  }

  /** The same in another place, from where the test brings it to the gateway's. */
  writeConfigTo(file: string, config: string | object): void {
    writeFileSync(file, fillIn(config, this.port, this.adminPort));
  }

  /** Writes the config and sends SIGHUP; resolves when config_reloads_total has moved, with the result it counted. */
  async reload(config: string | object): Promise<'accepted' | 'rejected'> {
    const before = await this.#reloads();
    this.writeConfig(config);
    this.signal('SIGHUP');
    return await eventually(async () => {
      const now = await this.#reloads();
      if (now.rejected > before.rejected) return 'rejected';
      return now.all > before.all ? 'accepted' : null;
    }, 'the reload');
  }

  /** Nobody reads the log any more, until `readLogAgain`: what is logged meanwhile fills the pipe, then the gateway's memory. */
  stopReadingLog(): void {
    this.#process.stdout?.pause();
  }

  readLogAgain(): void {
    this.#process.stdout?.resume();
  }

  /** The reader of the log goes away. */
  closeLog(): void {
    this.#process.stdout?.destroy();
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  /** SIGTERM, and an end by force for what outlives it. */
  async stop(): Promise<GatewayExit> {
    if (!this.#ended) this.#process.kill('SIGTERM');
    try {
      return await within(this.exit, `the gateway to end after SIGTERM:\n${this.output()}`, stopMs);
    } finally {
      killGroup(this.pid);
      rmSync(this.#folder, { recursive: true, force: true });
    }
  }

  /** The end of what it has written, for messages. */
  output(): string {
    return `${this.stdout}${this.stderr}`.slice(-4000);
  }

  async #reloads(): Promise<{ all: number; rejected: number }> {
    const counts = { all: 0, rejected: 0 };
    const text = await (await fetch(`${this.adminUrl}/metrics`)).text();
    for (const [, labels = '', value] of text.matchAll(/^config_reloads_total\{(.*)\} (\d+)$/gm)) {
      counts.all += Number(value);
      if (labels.includes('rejected')) counts.rejected += Number(value);
    }
    return counts;
  }

  #look(): void {
    for (const look of this.#watchers) look();
  }
}

/** The config of a gateway that forwards everything to one upstream. */
export function forwardAll(url: string, more: ForwardAllOptions = {}): object {
  return {
    proxy: more.proxy ?? {},
    upstreams: [{ name: 'api', url, ...more.upstream }],
    routes: [{ path: '/*', upstream: 'api', ...more.route }, ...(more.routes ?? [])],
  };
}

export interface ForwardAllOptions {
  readonly proxy?: object;
  readonly upstream?: object;
  readonly route?: object;
  /** Further routes. */
  readonly routes?: readonly object[];
}

/** Runs `bin/sluice` to its end. */
export async function runSluice(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<SluiceRun> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  const run = { code: -1, stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (run.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (run.stderr += text));
  const [code] = (await within(once(child, 'close'), `sluice ${args.join(' ')}`, startMs)) as [number | null];
  return { ...run, code: code ?? -1 };
}

export interface SluiceRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Host and ports of the test, and a drain that needs no patience, unless the config says otherwise. Text that is no YAML stays as it is. */
function fillIn(config: string | object, port: number, adminPort: number): string {
  const document = parseDocument(typeof config === 'string' ? config : JSON.stringify(config));
  if (document.errors.length > 0) return config as string;
  document.setIn(['proxy', 'port'], port);
  if (!document.hasIn(['admin', 'port'])) document.setIn(['admin', 'port'], adminPort);
  if (!document.hasIn(['proxy', 'host'])) document.setIn(['proxy', 'host'], '127.0.0.1');
  if (!document.hasIn(['proxy', 'shutdown'])) document.setIn(['proxy', 'shutdown'], { delay: 0, timeout: 2000 });
  return document.toString();
}

async function answersUp(url: string): Promise<true | null> {
  try {
    const answer = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(1000) });
    await answer.arrayBuffer();
    return answer.ok ? true : null;
  } catch {
    return null;
  }
}
