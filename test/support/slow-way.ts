/** A way to a server on which answers take as long as a test says. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { after } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';

export interface SlowWay {
  readonly port: number;
  /** How late the answers arrive from now on; never before an earlier one. */
  delayMs: number;
  /** Connections that are open. */
  readonly open: number;
  /** Cuts all connections; new ones are let through. */
  cut(): void;
}

export async function slowWayTo(port: number): Promise<SlowWay> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (data) => upstream.write(data));
    let before = Promise.resolve();
    upstream.on('data', (data) => {
      const due = delay(way.delayMs);
      before = Promise.all([before, due]).then(() => void (client.writable && client.write(data)));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const way = {
    port: (server.address() as AddressInfo).port,
    delayMs: 0,
    get open() {
      return sockets.size / 2;
    },
    cut() {
      for (const socket of sockets) socket.destroy();
    },
  };
  after(() => {
    way.cut();
    server.close();
  });
  return way;
}
