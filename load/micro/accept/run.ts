/**
 * Compares the arrangements of arrangements.ts: how evenly connections spread, what a new connection costs, and what is
 * lost while workers are replaced. Run: `bin/pinned-node load/micro/accept/run.ts` (needs wrk).
 */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { type ArrangementName, arrangementNames } from './arrangements.ts';

const only = process.argv.slice(2);
for (const name of arrangementNames.filter((each) => only.length === 0 || only.includes(each))) {
  for (const workers of [2, 4]) await measureBalance(name, workers);
  await measureCost(name, 2);
  for (const workers of [2, 1]) await measureLosses(name, workers);
  await measureHang(name);
}

async function measureBalance(name: ArrangementName, workers: number): Promise<void> {
  for (const connections of [64, 10]) {
    for (const pace of ['at once', 'one by one'] as const) {
      const gateway = await startGateway(name, workers);
      const shares: number[][] = [];
      for (let round = 0; round < 5; round++)
        shares.push(await openConnections(gateway.port, connections, workers, pace));
      console.log(`${name}\t${workers} workers\t${connections} ${pace}\t${shares.map((s) => s.join('/')).join('  ')}`);
      await stop(gateway);
    }
  }
  await measureBalanceUnderLoad(name, workers);
}

/** wrk opens its keep-alive connections all at once and starts to load each as soon as it is there. */
async function measureBalanceUnderLoad(name: ArrangementName, workers: number): Promise<void> {
  for (const connections of [64, 10]) {
    const gateway = await startGateway(name, workers);
    const before = await usageOf(gateway);
    await wrk(['-t1', `-c${connections}`, '-d3s', `http://127.0.0.1:${gateway.port}/`]);
    const after = await usageOf(gateway);
    const cpu = after.map((usage, i) => Math.round((usage - (before[i] ?? 0)) / 1000));
    console.log(
      `${name}\t${workers} workers\twrk -c${connections}\tCPU ms supervisor ${cpu[0]}, workers ${cpu.slice(1).join('/')}`,
    );
    await stop(gateway);
  }
}

/** CPU of all processes per request, each on a connection of its own. */
async function measureCost(name: ArrangementName, workers: number): Promise<void> {
  const gateway = await startGateway(name, workers);
  const url = `http://127.0.0.1:${gateway.port}/`;
  await wrk(['-t1', '-c16', '-d2s', '-H', 'Connection: close', url]);
  for (let round = 0; round < 3; round++) {
    const before = await usageOf(gateway);
    const { requests, perSecond } = await wrk(['-t1', '-c16', '-d4s', '-H', 'Connection: close', url]);
    const after = await usageOf(gateway);
    const costs = after.map((usage, i) => usage - (before[i] ?? 0));
    const total = costs.reduce((sum, cost) => sum + cost, 0);
    console.log(
      `${name}\t${workers} workers\tfresh connections\t${perSecond} per s\t` +
        `${(total / requests).toFixed(1)} µs CPU each, ${((costs[0] ?? 0) / requests).toFixed(1)} of it in the supervisor`,
    );
  }
  await stop(gateway);
}

/** Fresh connections, 8 at a time, while every worker is replaced three times; then with a slot left empty meanwhile. */
async function measureLosses(name: ArrangementName, workers: number): Promise<void> {
  for (const order of ['roll', 'gap']) {
    const gateway = await startGateway(name, workers);
    const load = startFreshLoad(gateway.port);
    for (let round = 0; round < 3; round++) {
      const rolled = once(gateway.process, 'message');
      gateway.process.send(order);
      await rolled;
    }
    const result = await load.stop();
    console.log(`${name}\t${workers} workers\t${order}\t${JSON.stringify(result)}`);
    await stop(gateway);
  }
}

/** One of two workers is stopped: how many of 100 new connections are answered within a second all the same. */
async function measureHang(name: ArrangementName): Promise<void> {
  const gateway = await startGateway(name, 2);
  const victim = Number(await ask(gateway.port, new http.Agent({ keepAlive: false })));
  process.kill(victim, 'SIGSTOP');
  let answered = 0;
  for (let i = 0; i < 10; i++) {
    const late = AbortSignal.timeout(1000);
    const asked = Array.from({ length: 10 }, () => ask(gateway.port, new http.Agent({ keepAlive: false }), late));
    const outcomes = await Promise.allSettled(asked);
    answered += outcomes.filter((outcome) => outcome.status === 'fulfilled').length;
  }
  console.log(`${name}\t2 workers\tone of them hangs\t${answered} of 100 new connections answered`);
  process.kill(victim, 'SIGKILL');
  await stop(gateway);
}

interface Gateway {
  readonly process: ChildProcess;
  readonly port: number;
}

async function startGateway(name: ArrangementName, workers: number): Promise<Gateway> {
  const gateway = fork(new URL('gateway.ts', import.meta.url), [name, String(workers)], { serialization: 'advanced' });
  const [message] = (await once(gateway, 'message')) as [{ port: number }];
  return { process: gateway, port: message.port };
}

async function stop(gateway: Gateway): Promise<void> {
  const left = once(gateway.process, 'exit');
  gateway.process.kill();
  await left;
}

async function usageOf(gateway: Gateway): Promise<number[]> {
  const reply = once(gateway.process, 'message');
  gateway.process.send('usage');
  const [message] = (await reply) as [{ usage: number[] }];
  return message.usage;
}

async function openConnections(
  port: number,
  count: number,
  workers: number,
  pace: 'at once' | 'one by one',
): Promise<number[]> {
  const agent = new http.Agent({ keepAlive: true });
  const owners: string[] = [];
  if (pace === 'at once') {
    owners.push(...(await Promise.all(Array.from({ length: count }, () => ask(port, agent)))));
  } else {
    // Each its own agent, or the second request would reuse the first connection.
    for (let i = 0; i < count; i++) owners.push(await ask(port, new http.Agent({ keepAlive: true, timeout: 2000 })));
  }
  agent.destroy();
  const shares = Object.values(Object.groupBy(owners, (owner) => owner)).map((group) => group?.length ?? 0);
  while (shares.length < workers) shares.push(0);
  return shares.sort((a, b) => b - a);
}

function ask(port: number, agent: http.Agent, signal?: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get({ port, host: '127.0.0.1', agent, ...(signal && { signal }) }, (response) => {
      let text = '';
      response.setEncoding('latin1');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve(text));
      response.on('error', reject);
    });
    request.on('error', reject);
  });
}

function startFreshLoad(port: number): { stop(): Promise<object> } {
  const result = { answered: 0, failed: 0, slowestMs: 0, errors: [] as string[] };
  let running = true;
  const loop = async (): Promise<void> => {
    while (running) {
      const startedAt = performance.now();
      try {
        await ask(port, new http.Agent({ keepAlive: false }));
        result.answered++;
      } catch (error) {
        result.failed++;
        if (result.errors.length < 3) result.errors.push(String(error));
      }
      result.slowestMs = Math.max(result.slowestMs, Math.round(performance.now() - startedAt));
    }
  };
  const loops = Array.from({ length: 8 }, loop);
  return {
    async stop() {
      running = false;
      await Promise.all(loops);
      return result;
    },
  };
}

async function wrk(args: string[]): Promise<{ requests: number; perSecond: number }> {
  const child = spawn('wrk', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  await once(child, 'close');
  return {
    requests: Number(/(\d+) requests in/.exec(text)?.[1]),
    perSecond: Math.round(Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1])),
  };
}
