/** A client that writes the bytes it is told to write and reads answers to the letter: for hostile requests and exact framing. */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { within } from './deadline.ts';
import {
  type Body,
  type Field,
  MalformedMessage,
  readBody,
  readHead,
  responseFraming,
  valuesOf,
} from './http-bytes.ts';

export interface RawResponse {
  readonly version: string;
  readonly status: number;
  readonly reason: string;
  readonly fields: readonly Field[];
  readonly body: Buffer;
  readonly trailers: readonly Field[];
  /** False: the connection ended in the middle of the message. */
  readonly complete: boolean;
  /** The field's values joined by ", "; null: no such field. */
  header(name: string): string | null;
  values(name: string): string[];
  text(): string;
  json(): Record<string, unknown>;
}

export type Closing = 'end' | 'reset';

/** Connects; the caller destroys (a test's process ends its sockets in any case). */
export async function rawClient(port: number, host = '127.0.0.1'): Promise<RawClient> {
  const socket = connect({ port, host, allowHalfOpen: true });
  const client = new RawClient(socket);
  await within(once(socket, 'connect'), `a connection to ${host}:${port}`);
  return client;
}

/** One request on a connection of its own, which the gateway is asked to close. */
export async function ask(port: number, request: string, method = 'GET'): Promise<RawResponse> {
  const client = await rawClient(port);
  client.write(request);
  const response = await client.finalResponse(method);
  client.destroy();
  if (response === null) throw new Error(`no answer to ${JSON.stringify(request)}`);
  return response;
}

export class RawClient {
  readonly socket: Socket;
  /** Every byte that has come. */
  received: Buffer = Buffer.alloc(0);
  /** How the other side ended the connection; null: open. */
  closing: Closing | null = null;
  #position = 0;
  readonly #watchers = new Set<() => void>();

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
      this.#look();
    });
    socket.on('end', () => this.#close('end'));
    socket.on('error', () => this.#close('reset'));
    socket.on('close', () => this.#close('end'));
  }

  /** Strings are latin1: one character, one byte. */
  write(...pieces: readonly (string | Buffer)[]): void {
    for (const piece of pieces) this.socket.write(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece);
  }

  /** The next message, a 1xx too; null: the connection ended before another one began. */
  response(method = 'GET', ms?: number): Promise<RawResponse | null> {
    return this.#await(() => this.#readResponse(method), 'a response', ms);
  }

  /** The next message that is not a 1xx (a 101 is final too). */
  async finalResponse(method = 'GET', ms?: number): Promise<RawResponse | null> {
    for (;;) {
      const response = await this.response(method, ms);
      if (response === null || response.status >= 200 || response.status === 101) return response;
    }
  }

  /** All messages until the connection ends; `limit` and one more when it does not. */
  async responsesUntilClosed(limit: number): Promise<RawResponse[]> {
    const responses: RawResponse[] = [];
    while (responses.length <= limit) {
      const response = await this.response();
      if (response === null) break;
      responses.push(response);
    }
    return responses;
  }

  /** Waits until `text` is among all that has come. */
  async receives(text: string, ms?: number): Promise<void> {
    await this.#await(
      () => {
        if (this.received.includes(text, 0, 'latin1')) return true;
        return this.closing === null ? undefined : null;
      },
      JSON.stringify(text),
      ms,
    ).then((found) => {
      if (found === null)
        throw new Error(`closed (${this.closing}) before ${JSON.stringify(text)} in ${this.#shown()}`);
    });
  }

  closed(ms?: number): Promise<Closing | null> {
    return this.#await(() => this.closing ?? undefined, 'the connection to close', ms);
  }

  /** Half-closes: nothing more to say, still listening. */
  end(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  #readResponse(method: string): RawResponse | null | undefined {
    const head = readHead(this.received, this.#position);
    if (head === null) {
      if (this.closing === null) return undefined;
      if (this.received.length > this.#position) throw new MalformedMessage(`cut in a head: ${this.#shown()}`);
      return null;
    }
    const [, version = '', status = '', reason = ''] =
      /^(HTTP\/1\.[01]) ([1-9][0-9][0-9])(?: (.*))?$/s.exec(head.startLine) ?? [];
    if (version === '') throw new MalformedMessage(`status line ${JSON.stringify(head.startLine)}`);
    const framing = responseFraming(method, Number(status), head.fields);
    const body = readBody(this.received, head.bodyAt, framing);
    if (!body.complete && this.closing === null) return undefined;
    this.#position = body.end;
    const complete = body.complete || (framing.kind === 'until close' && this.closing === 'end');
    return describeResponse(version, Number(status), reason, head.fields, body, complete);
  }

  async #await<T>(look: () => T | undefined, what: string, ms?: number): Promise<T> {
    let stop = (): void => {};
    const seen = new Promise<T>((resolve, reject) => {
      const watch = (): void => {
        try {
          const answer = look();
          if (answer !== undefined) resolve(answer);
        } catch (error) {
          reject(error as Error);
        }
      };
      this.#watchers.add(watch);
      stop = () => this.#watchers.delete(watch);
      watch();
    });
    try {
      return await within(seen, what, ms);
    } catch (error) {
      throw new Error(`${(error as Error).message}; received ${this.#shown()}`, { cause: error });
    } finally {
      stop();
    }
  }

  #close(closing: Closing): void {
    this.closing ??= closing;
    this.#look();
  }

  #look(): void {
    for (const watch of this.#watchers) watch();
  }

  #shown(): string {
    return JSON.stringify(this.received.toString('latin1', this.#position, this.#position + 600));
  }
}

function describeResponse(
  version: string,
  status: number,
  reason: string,
  fields: readonly Field[],
  body: Body,
  complete: boolean,
): RawResponse {
  return {
    version,
    status,
    reason,
    fields,
    body: body.bytes,
    trailers: body.trailers,
    complete,
    header: (name) => (valuesOf(fields, name).length === 0 ? null : valuesOf(fields, name).join(', ')),
    values: (name) => valuesOf(fields, name),
    text: () => body.bytes.toString('latin1'),
    json: () => JSON.parse(body.bytes.toString('utf8')) as Record<string, unknown>,
  };
}
