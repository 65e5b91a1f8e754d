/** Servers behind one upstream that are killed, stopped and started again, while clients go on asking. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { eventually, within } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';
import { metric } from '../support/metric.ts';
import { freePorts } from '../support/ports.ts';
import { killGroupAtExit } from '../support/processes.ts';

/** An HTTP server as a process, on a port that it keeps through death and return. */
class ServerProcess {
  readonly port: number;
  #child: ChildProcess | null = null;

  constructor(port: number) {
    this.port = port;
  }

  async start(): Promise<void> {
    const code = `require('node:http').createServer((_, a) => a.end('${this.port}')).listen(${this.port}, '127.0.0.1', () => console.log('up'))`;
    this.#child = spawn(process.execPath, ['-e', code], { detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
    if (this.#child.pid !== undefined) killGroupAtExit(this.#child.pid);
    await within(once(this.#child.stdout as NodeJS.ReadableStream, 'data'), 'a server');
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }
}

const ports = await freePorts(3);
const servers = ports.map((port) => new ServerProcess(port));
await Promise.all(servers.map((server) => server.start()));
after(() => {
  for (const server of servers) server.signal('SIGKILL');
});
const gateway = await startGateway({
  workers: 2,
  config: {
    upstreams: [
      {
        name: 'api',
        targets: ports.map((port) => ({ url: `http://127.0.0.1:${port}` })),
        timeout: 1_000,
        healthCheck: { path: '/', interval: 100, timeout: 300, healthy: 2, unhealthy: 2 },
      },
    ],
    routes: [{ path: '/*', upstream: 'api' }],
  },
});
const [first] = servers as [ServerProcess];

async function healthIs(value: number): Promise<void> {
  const labels = { upstream: 'api', target: `127.0.0.1:${first.port}` };
  await eventually(
    async () => ((await metric(gateway.adminUrl, 'upstream_target_healthy', labels)) === value ? true : null),
    `health ${value}`,
    20_000,
  );
}

async function askMany(): Promise<string[]> {
  const answers = Array.from({ length: 60 }, async () => {
    const answer = await fetch(gateway.url, { headers: { Connection: 'close' } });
    return answer.ok ? await answer.text() : String(answer.status);
  });
  return await Promise.all(answers);
}

for (const [how, down, up] of [
  ['killed', () => first.signal('SIGKILL'), () => first.start()],
  // It accepts connections still, as far as the kernel goes, and never answers.
  ['stopped', () => first.signal('SIGSTOP'), () => first.signal('SIGCONT')],
] as const) {
  test(`a server that is ${how} gets no requests once its checks say so, nobody notices then, and it comes back`, async () => {
    down();
    await healthIs(0);
    const others = ports.slice(1).map(String);
    await eventually(async () => {
      const answers = await askMany();
      return answers.every((answer) => others.includes(answer)) ? true : null;
    }, 'answers of the others alone');
    await up();
    await healthIs(1);
    await eventually(async () => ((await askMany()).includes(String(first.port)) ? true : null), 'its answers again');
  });
}
