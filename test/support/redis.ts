/** A real redis-server of a test's own, on a free port, that can be stopped, killed and started again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { eventually, within } from './deadline.ts';
import { freePorts } from './ports.ts';
import { killGroup, killGroupAtExit } from './processes.ts';

export interface RedisOptions {
  /** More arguments for redis-server, such as `--requirepass`. */
  readonly args?: readonly string[];
  /** A free one when absent. */
  readonly port?: number;
  /** False: the port answers TLS, and the wait is for a connection only. */
  readonly plain?: boolean;
}

/** Accepts connections when it resolves; ended when the test or the file that started it is over. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const [free = 0] = options.port === undefined ? await freePorts(1) : [options.port];
  const redis = new RedisServer(free, options.args ?? []);
  after(() => redis.end());
  await redis.start();
  return redis;
}

export class RedisServer {
  readonly port: number;
  readonly url: string;
  readonly #args: readonly string[];
  readonly #folder = mkdtempSync(join(tmpdir(), 'sluice-redis-'));
  #process: ChildProcess | null = null;

  constructor(port: number, args: readonly string[]) {
    this.port = port;
    this.url = `redis://127.0.0.1:${port}`;
    this.#args = args;
  }

  /** Starts it, or starts it again with empty data. */
  async start(): Promise<void> {
    const place = this.#args.includes('--port') ? [] : ['--port', String(this.port)];
    // A config file, where there is one, comes first.
    const args = [...this.#args, ...place, '--bind', '127.0.0.1', '--save', '', '--dir', this.#folder];
    const child = spawn('redis-server', args, { detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    const failed = once(child, 'error').then(() => {
      throw new Error('redis-server is missing: install it (apt-get install redis-server, or brew install redis)');
    });
    this.#process = child;
    if (child.pid !== undefined) killGroupAtExit(child.pid);
    const up = eventually(() => {
      if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}:\n${output}`);
      return accepts(this.port);
    }, 'redis-server');
    await Promise.race([up, failed]);
  }

  /** SIGSTOP: connections are accepted by the kernel, and nobody answers. */
  hang(): void {
    this.#signal('SIGSTOP');
  }

  resume(): void {
    this.#signal('SIGCONT');
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'close');
    this.#signal('SIGKILL');
    await within(gone, 'redis-server to end');
  }

  async end(): Promise<void> {
    await this.kill();
    if (this.#process?.pid !== undefined) killGroup(this.#process.pid);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Runs one command as redis-cli would and gives the raw reply. */
  async command(...words: readonly string[]): Promise<string> {
    const socket = connect(this.port, '127.0.0.1');
    socket.setEncoding('utf8');
    socket.write(`*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`);
    const [reply] = (await within(once(socket, 'data'), `redis: ${words.join(' ')}`)) as [string];
    socket.destroy();
    return reply;
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#process?.pid !== undefined) process.kill(this.#process.pid, signal);
  }
}

function accepts(port: number): Promise<true | null> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(null));
  });
}
