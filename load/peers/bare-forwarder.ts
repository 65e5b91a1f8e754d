/**
 * The barest forwarder that node:http and undici can be: what is left of a gateway when everything is taken away that
 * makes it one. It is the floor under the gateway's own numbers, not something to run: it passes framing, hop-by-hop
 * fields and cut bodies on as they come.
 *
 *   bin/pinned-node load/peers/bare-forwarder.ts PORT UPSTREAM_PORT
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type Dispatcher, Pool } from 'undici';

const [port = '0', upstreamPort = '0'] = process.argv.slice(2);
const pool = new Pool(`http://127.0.0.1:${upstreamPort}`, { connections: 256, pipelining: 1, allowH2: false });

createServer((request, response) => {
  pool.dispatch(
    {
      method: request.method as Dispatcher.HttpMethod,
      path: request.url ?? '/',
      headers: request.rawHeaders,
      body: hasBody(request) ? request : null,
    },
    new Answer(response),
  );
}).listen(Number(port), '127.0.0.1');

class Answer implements Dispatcher.DispatchHandler {
  readonly #response: ServerResponse;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  onRequestStart(): void {}

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    const headers = controller.rawHeaders as Buffer[];
    const flat: string[] = [];
    for (const part of headers) flat.push(part.toString('latin1'));
    this.#response.writeHead(status, flat);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#response.write(chunk);
  }

  onResponseEnd(): void {
    this.#response.end();
  }

  onResponseError(): void {
    this.#response.destroy();
  }
}

function hasBody(request: IncomingMessage): boolean {
  return request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined;
}
