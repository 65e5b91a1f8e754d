/** The built-in echo upstream: a server of its own on loopback, so that trying it out goes the whole way of a real request. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** More of a body is counted, but not sent back. */
const maxEchoBytes = 64 * 1024;

let origin: Promise<string> | null = null;

/** Starts the server on first use; resolves with its origin. */
export function echoOrigin(): Promise<string> {
  origin ??= startEcho();
  return origin;
}

function startEcho(): Promise<string> {
  const server = createServer({ keepAliveTimeout: 65_000 }, answer);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      // The server must not keep a worker alive that has drained.
      server.unref();
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    });
  });
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  let kept = 0;
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (kept < maxEchoBytes) chunks.push(chunk.subarray(0, maxEchoBytes - kept));
    kept += chunk.length;
  });
  request.on('end', () => {
    const body = JSON.stringify(
      {
        method: request.method,
        url: request.url,
        headers: request.headers,
        bodyBytes: bytes,
        body: Buffer.concat(chunks).toString('utf8'),
      },
      null,
      2,
    );
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) + 1 });
    response.end(`${body}\n`);
  });
}
