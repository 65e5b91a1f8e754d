/** The supervisor of the comparison: `gateway.ts ARRANGEMENT WORKERS`, driven over IPC by run.ts. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type ArrangementName, arrange } from './arrangements.ts';

const name = process.argv[2] as ArrangementName;
const slots = Number(process.argv[3]);
const arrangement = await arrange(name, slots);
const workers: ChildProcess[] = [];
for (let slot = 0; slot < slots; slot++) workers.push(await start(slot));

process.on('disconnect', () => process.exit());
process.on('message', (message) => void answer(message));
process.send?.({ port: arrangement.port });

async function answer(message: unknown): Promise<void> {
  if (message === 'usage') process.send?.({ usage: await measureUsage() });
  if (message === 'roll') {
    for (let slot = 0; slot < slots; slot++) await replace(slot, 'new first');
    process.send?.('rolled');
  }
  if (message === 'gap') {
    for (let slot = 0; slot < slots; slot++) await replace(slot, 'old first');
    process.send?.('rolled');
  }
}

async function start(slot: number): Promise<ChildProcess> {
  const worker = fork(new URL('worker.ts', import.meta.url), { serialization: 'advanced' });
  await once(worker, 'message');
  const listening = name === 'passed' ? Promise.resolve() : once(worker, 'message');
  arrangement.serve(worker, slot);
  await listening;
  return worker;
}

/** "old first" leaves the slot empty for as long as a worker takes to start: what a crash looks like from outside. */
async function replace(slot: number, order: 'new first' | 'old first'): Promise<void> {
  const old = workers[slot];
  if (old === undefined) return;
  const next = order === 'new first' ? await start(slot) : null;
  arrangement.retire(old);
  const left = once(old, 'exit');
  old.send('leave');
  await left;
  workers[slot] = next ?? (await start(slot));
}

async function measureUsage(): Promise<number[]> {
  const own = process.cpuUsage();
  const usages = [own.user + own.system];
  for (const worker of workers) {
    const reply = new Promise<NodeJS.CpuUsage>((resolve) => {
      const listen = (message: unknown): void => {
        if (typeof message !== 'object' || message === null || !('usage' in message)) return;
        worker.off('message', listen);
        resolve(message.usage as NodeJS.CpuUsage);
      };
      worker.on('message', listen);
    });
    worker.send('usage');
    const usage = await reply;
    usages.push(usage.user + usage.system);
  }
  return usages;
}
