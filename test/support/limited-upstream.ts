/** An upstream of known capacity: so many requests are served at a time, each for so long, and all others wait in line. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface LimitedUpstream {
  readonly url: string;
  /** May be changed at any time; requests that have begun keep theirs. */
  serviceMs: number;
  /** Requests that are here, served or waiting. */
  readonly present: number;
  close(): void;
}

/** Listens on a free port of 127.0.0.1. */
export async function limitedUpstream(places: number, serviceMs: number): Promise<LimitedUpstream> {
  const line: ServerResponse[] = [];
  let serving = 0;
  const upstream = {
    url: '',
    serviceMs,
    get present() {
      return serving + line.length;
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
  const serveNext = (): void => {
    while (serving < places) {
      const response = line.shift();
      if (response === undefined) return;
      // Whoever has left meanwhile needs no service.
      if (response.destroyed) continue;
      serving++;
      setTimeout(() => {
        serving--;
        response.end('served');
        serveNext();
      }, upstream.serviceMs);
    }
  };
  const server = createServer((request, response) => {
    request.resume();
    line.push(response);
    serveNext();
  }).listen(0, '127.0.0.1', 4096);
  await once(server, 'listening');
  upstream.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return upstream;
}
