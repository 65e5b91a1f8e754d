/**
 * An upstream that records every byte and every request, and answers from a script: exact bytes, at the moment the
 * test chooses. What it is sent it reads strictly; anything doubtful is kept in `violations`.
 */

import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { after } from 'node:test';
import { within } from './deadline.ts';
import { type Body, type Field, type Head, readBody, readHead, requestFraming, valuesOf } from './http-bytes.ts';
import type { Closing } from './raw-client.ts';

/** Called as soon as a request's head has come; the body may still be on its way. */
export type Script = (request: ReceivedRequest) => Promise<void> | void;

export interface UpstreamConnection {
  readonly socket: Socket;
  /** Every byte that has come. */
  bytes: Buffer;
  readonly requests: ReceivedRequest[];
  /** How the gateway (or the script) ended it. */
  readonly closed: Promise<Closing>;
}

export interface RecordingUpstream {
  readonly port: number;
  readonly url: string;
  readonly connections: readonly UpstreamConnection[];
  readonly requests: readonly ReceivedRequest[];
  /** What no correct gateway sends. */
  readonly violations: readonly string[];
  /** Answers requests whose path (without query) is this one; all others get `200 ok` once their body has come. */
  on(path: string, script: Script): void;
  /** Requests so far whose path is this one. */
  requestsTo(path: string): ReceivedRequest[];
  /** The next request to this path that has not been waited for yet. */
  arrival(path: string): Promise<ReceivedRequest>;
  /** Whether the bytes of any connection contain this text. */
  saw(text: string): boolean;
  close(): Promise<void>;
}

export class ReceivedRequest {
  readonly connection: UpstreamConnection;
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly fields: readonly Field[];
  /** As much as has come. */
  body: Body;
  /** Resolves when the body is whole, or the connection has ended before that (`complete: false`). */
  readonly received: Promise<Body>;
  #settle: (body: Body) => void = () => {};
  readonly #watchers = new Set<() => void>();
  /** The script has taken the connection for a protocol of its own: what comes is no longer parsed. */
  takenOver = false;

  constructor(connection: UpstreamConnection, head: Head, body: Body) {
    const [method = '', target = '', version = ''] = head.startLine.split(' ');
    this.connection = connection;
    this.method = method;
    this.target = target;
    this.version = version;
    this.fields = head.fields;
    this.body = body;
    this.received = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  get path(): string {
    return this.target.split('?', 1)[0] ?? '';
  }

  /** The field's values joined by ", "; null: no such field. */
  header(name: string): string | null {
    const values = this.values(name);
    return values.length === 0 ? null : values.join(', ');
  }

  values(name: string): string[] {
    return valuesOf(this.fields, name);
  }

  /** Exact bytes to the gateway; strings are latin1. */
  send(...pieces: readonly (string | Buffer)[]): void {
    const { socket } = this.connection;
    for (const piece of pieces) socket.write(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece);
  }

  /** Waits until the body so far contains `text`. */
  async receives(text: string): Promise<void> {
    const seen = new Promise<void>((resolve) => {
      const watch = (): void => {
        if (this.body.bytes.includes(text, 0, 'latin1')) resolve();
      };
      this.#watchers.add(watch);
      watch();
    });
    await within(seen, `${JSON.stringify(text)} in the body of ${this.method} ${this.target}`);
  }

  /** Written by the upstream as bytes come in. */
  grow(body: Body): void {
    this.body = body;
    for (const watch of this.#watchers) watch();
    if (body.complete) this.#settle(body);
  }

  /** Written by the upstream when the connection has ended. */
  cut(): void {
    this.#settle(this.body);
  }
}

/** Listens on a free port of 127.0.0.1 until the test or file that started it is over. */
export async function recordingUpstream(): Promise<RecordingUpstream> {
  const scripts = new Map<string, Script>();
  const connections: UpstreamConnection[] = [];
  const requests: ReceivedRequest[] = [];
  const violations: string[] = [];
  const awaited = new Map<string, number>();
  const arrivals = new Set<() => void>();

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const connection = record(socket, violations, (request) => {
      requests.push(request);
      for (const look of arrivals) look();
      runScript(scripts.get(request.path) ?? answerOk, request, violations);
    });
    connections.push(connection);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  const close = async (): Promise<void> => {
    for (const { socket } of connections) socket.destroy();
    if (!server.listening) return;
    server.close();
    await once(server, 'close');
  };
  after(close);

  const requestsTo = (path: string): ReceivedRequest[] => requests.filter((request) => request.path === path);
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    connections,
    requests,
    violations,
    on: (path, script) => void scripts.set(path, script),
    requestsTo,
    arrival(path) {
      const index = awaited.get(path) ?? 0;
      awaited.set(path, index + 1);
      const arrived = new Promise<ReceivedRequest>((resolve) => {
        const look = (): void => {
          const request = requestsTo(path)[index];
          if (request === undefined) return;
          arrivals.delete(look);
          resolve(request);
        };
        arrivals.add(look);
        look();
      });
      return within(arrived, `request ${index + 1} to ${path} at the upstream`);
    },
    saw: (text) => connections.some(({ bytes }) => bytes.includes(text, 0, 'latin1')),
    close,
  };
}

/** A whole response with a Content-Length, as bytes. */
export function response(status: number, fields: readonly Field[] = [], body = ''): string {
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return `HTTP/1.1 ${status} Scripted\r\n${lines}Content-Length: ${Buffer.byteLength(body, 'latin1')}\r\n\r\n${body}`;
}

async function answerOk(request: ReceivedRequest): Promise<void> {
  const { complete } = await request.received;
  if (complete) request.send(request.method === 'HEAD' ? response(200) : response(200, [], 'ok'));
}

function runScript(script: Script, request: ReceivedRequest, violations: string[]): void {
  Promise.resolve(script(request)).catch((error: Error) => {
    violations.push(`script for ${request.target}: ${error.message}`);
    request.connection.socket.destroy();
  });
}

function record(socket: Socket, violations: string[], begin: (request: ReceivedRequest) => void): UpstreamConnection {
  let close: (closing: Closing) => void = () => {};
  const closed = new Promise<Closing>((resolve) => {
    close = resolve;
  });
  const connection: UpstreamConnection = { socket, bytes: Buffer.alloc(0), requests: [], closed };
  const read = reader(connection, begin);
  const end = (closing: Closing): void => {
    connection.requests.at(-1)?.cut();
    close(closing);
  };
  socket.on('data', (chunk: Buffer) => {
    connection.bytes = Buffer.concat([connection.bytes, chunk]);
    try {
      read();
    } catch (error) {
      violations.push((error as Error).message);
      socket.destroy();
    }
  });
  socket.on('end', () => {
    end('end');
    socket.end();
  });
  socket.on('error', () => end('reset'));
  socket.on('close', () => end('end'));
  return connection;
}

/** Reads on each call what has come since the last one. */
function reader(connection: UpstreamConnection, begin: (request: ReceivedRequest) => void): () => void {
  let position = 0;
  return () => {
    for (;;) {
      const current = connection.requests.at(-1);
      if (current?.takenOver) return;
      if (current !== undefined && !current.body.complete) {
        current.grow(readBody(connection.bytes, position, requestFraming(current.fields)));
        if (!current.body.complete) return;
        position = current.body.end;
      }
      const head = readHead(connection.bytes, position);
      if (head === null) return;
      if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+ [\x21-\x7e]+ HTTP\/1\.1$/.test(head.startLine)) {
        throw new Error(`request line ${JSON.stringify(head.startLine)}`);
      }
      position = head.bodyAt;
      const body = readBody(connection.bytes, position, requestFraming(head.fields));
      const request = new ReceivedRequest(connection, head, { ...body, complete: false });
      connection.requests.push(request);
      begin(request);
    }
  };
}
