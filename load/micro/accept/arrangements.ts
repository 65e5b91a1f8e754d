/** The three ways for a connection to reach a worker that are compared here; each owns the port for as long as it lives. */
import type { ChildProcess } from 'node:child_process';
import net from 'node:net';

export const arrangementNames = ['shared', 'passed', 'reuseport'] as const;
export type ArrangementName = (typeof arrangementNames)[number];

export interface Arrangement {
  readonly port: number;
  /** Lets this worker, which fills this slot, serve connections. */
  serve(worker: ChildProcess, slot: number): void;
  /** No new connection may go to this worker any more. */
  retire(worker: ChildProcess): void;
}

export async function arrange(name: ArrangementName, slots: number): Promise<Arrangement> {
  switch (name) {
    case 'shared':
      return shareOneSocket();
    case 'passed':
      return await passEachConnection();
    case 'reuseport':
      return giveEachSlotASocket(slots);
  }
}

/** One bound socket; every worker accepts from its own copy of it. */
function shareOneSocket(): Arrangement {
  const handle = bind(0, 0);
  return {
    port: portOf(handle),
    serve: (worker) => send(worker, 'listen', handle),
    retire: () => {},
  };
}

/** The supervisor accepts and gives each connection to the worker that has the fewest. */
async function passEachConnection(): Promise<Arrangement> {
  const counts = new Map<ChildProcess, number>();
  const waiting: net.Socket[] = [];
  const pass = (connection: net.Socket): void => {
    let chosen: ChildProcess | null = null;
    for (const [worker, count] of counts) {
      if (chosen === null || count < (counts.get(chosen) ?? 0)) chosen = worker;
    }
    if (chosen === null) {
      waiting.push(connection);
      return;
    }
    counts.set(chosen, (counts.get(chosen) ?? 0) + 1);
    chosen.send('connection', connection, () => {});
  };
  const server = net.createServer({ pauseOnConnect: true, noDelay: true }, pass);
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    port: (server.address() as net.AddressInfo).port,
    serve: (worker) => {
      counts.set(worker, 0);
      worker.on('message', (message) => {
        const count = counts.get(worker);
        if (message === 'closed' && count !== undefined) counts.set(worker, count - 1);
      });
      for (const connection of waiting.splice(0)) pass(connection);
    },
    retire: (worker) => counts.delete(worker),
  };
}

/** One SO_REUSEPORT socket per slot; the kernel spreads connections by a hash of their addresses. */
function giveEachSlotASocket(slots: number): Arrangement {
  const reusePort = 2; // UV_TCP_REUSEPORT
  const first = bind(0, reusePort);
  const port = portOf(first);
  const handles = [first, ...Array.from({ length: slots - 1 }, () => bind(port, reusePort))];
  return {
    port,
    serve: (worker, slot) => send(worker, 'listen', handles[slot]),
    retire: () => {},
  };
}

interface ServerHandle {
  getsockname(out: { port?: number }): number;
}

function bind(port: number, flags: number): ServerHandle {
  const create = (net as unknown as { _createServerHandle: (...args: unknown[]) => ServerHandle | number })
    ._createServerHandle;
  const handle = create('127.0.0.1', port, 4, undefined, flags);
  if (typeof handle === 'number') throw new Error(`bind failed: ${handle}`);
  return handle;
}

function portOf(handle: ServerHandle): number {
  const address: { port?: number } = {};
  const error = handle.getsockname(address);
  if (error !== 0 || address.port === undefined) throw new Error(`bind failed: ${error}`);
  return address.port;
}

function send(worker: ChildProcess, message: string, handle: unknown): void {
  worker.send(message, handle as net.Server, () => {});
}
