/** The threads for long computations, created on first use and gone again when idle. */
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import type { TaskInput, TaskName, TaskOutput } from './tasks.ts';

/** Rejects when the task throws, which is a bug: tasks answer with values. */
export async function runTask<N extends TaskName>(name: N, input: TaskInput<N>): Promise<TaskOutput<N>> {
  pool ??= createPool();
  return (await pool.run({ name, input })) as TaskOutput<N>;
}

let pool: Piscina | null = null;

function createPool(): Piscina {
  const created = new Piscina({
    filename: fileURLToPath(new URL('./tasks.ts', import.meta.url)),
    name: 'performTask',
    minThreads: 0,
    maxThreads: 2,
    idleTimeout: 5_000,
    // Waiting on Atomics saves microseconds and stops everything asynchronous in the thread.
    atomics: 'disabled',
  });
  // A thread that can't even begin (its files are being replaced): who waits for it is told, and the next call starts anew.
  created.on('error', () => {
    pool = null;
    created.destroy().catch(() => {});
  });
  return created;
}
