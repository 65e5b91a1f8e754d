/** A body of 1 GB passes through a worker without growing it by more than 64 MB, whichever side is the slow one. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { eventually, within } from '../support/deadline.ts';
import { forwardAll, startGateway } from '../support/gateway.ts';
import { residentBytes } from '../support/processes.ts';
import { ask } from '../support/raw-client.ts';

const mebibyte = 1024 * 1024;
const total = 1024 * mebibyte;
const mayGrow = 64 * mebibyte;
const piece = Buffer.alloc(256 * 1024, 'x');
/** Far more than the sockets' buffers on the way hold, and far less than the whole. */
const mostThatFits = 96 * mebibyte;

const origin = createServer({ allowHalfOpen: true }, serveOrigin).listen(0, '127.0.0.1');
await once(origin, 'listening');
after(() => origin.close());
const originPort = (origin.address() as AddressInfo).port;
/** The next connections to the origin, as they come. */
const accepted: Socket[] = [];

const gateway = await startGateway({
  config: forwardAll(`http://127.0.0.1:${originPort}`, {
    proxy: { timeout: 120_000, maxBodySize: 2 * total },
    upstream: { timeout: 120_000 },
  }),
});

test('a download at full speed', async () => {
  await boundsMemory(async () => {
    const client = await connected(gateway.port);
    client.write('GET /download HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    assert.ok((await drain(client)) >= total);
  });
});

test('a download whose client stops reading again and again', async () => {
  await boundsMemory(async () => {
    const client = await connected(gateway.port);
    client.write('GET /download HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    let count = 0;
    client.on('data', (chunk: Buffer) => (count += chunk.length));
    for (const at of [8, 300]) {
      await eventually(() => (count >= at * mebibyte ? true : null), `${at} MiB at the client`, 60_000);
      client.pause();
      const source = accepted.at(-1) as Socket;
      await comesToRest(() => sentBy(source));
      const onTheWay = sentBy(source) - count;
      assert.ok(onTheWay < mostThatFits, `${onTheWay} bytes on the way to a client that does not read`);
      client.resume();
    }
    await within(once(client, 'close'), 'the end of the download', 90_000);
    assert.ok(count >= total, `${count} bytes`);
  });
});

test('an upload at full speed', async () => {
  await boundsMemory(async () => {
    const client = await connected(gateway.port);
    client.write(`PUT /upload HTTP/1.1\r\nHost: a\r\nContent-Length: ${total}\r\nConnection: close\r\n\r\n`);
    const answer = text(client);
    await pour(client, total, (data) => data);
    assert.match(await within(answer, 'the answer', 90_000), /received 1073741824$/);
  });
});

test('a chunked upload to an upstream that stops reading again and again', async () => {
  await boundsMemory(async () => {
    const client = await connected(gateway.port);
    client.write('PUT /slow-upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n');
    const answer = text(client);
    const poured = pour(client, total, (data) =>
      Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from('\r\n')]),
    );
    await eventually(
      () => (accepted.at(-1)?.isPaused() === true ? true : null),
      'the upstream to stop reading',
      60_000,
    );
    const sink = accepted.at(-1) as Socket;
    await comesToRest(() => sentBy(client));
    const onTheWay = sentBy(client) - sink.bytesRead;
    assert.ok(onTheWay < mostThatFits, `${onTheWay} bytes on the way to an upstream that does not read`);
    sink.resume();
    await poured;
    client.write('0\r\n\r\n');
    assert.match(await within(answer, 'the answer', 90_000), /received \d{10}$/);
  });
});

/** Runs the exchange and looks at the worker's highest resident memory since before it. */
async function boundsMemory(exchange: () => Promise<void>): Promise<void> {
  assert.equal((await ask(gateway.port, 'GET /small HTTP/1.1\r\nHost: a\r\n\r\n')).status, 200);
  const [worker = 0, ...others] = gateway.workers();
  assert.ok(worker > 0 && others.length === 0, 'one worker');
  const before = residentBytes(worker).now;
  await exchange();
  assert.deepEqual(gateway.workers(), [worker]);
  const grown = residentBytes(worker).peak - before;
  assert.ok(grown < mayGrow, `grew by ${(grown / mebibyte).toFixed(1)} MiB`);
}

/** The origin: it reads a head, and then pours, swallows or answers. */
function serveOrigin(socket: Socket): void {
  socket.on('error', () => {});
  socket.once('data', (chunk: Buffer) => {
    accepted.push(socket);
    const [head = '', path = ''] = /^\w+ (\S+)/.exec(chunk.toString('latin1')) ?? [];
    assert.ok(head !== '');
    if (path === '/download') return void pourAnswer(socket);
    if (path === '/small')
      return void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok');
    swallow(socket, chunk, path === '/slow-upload');
  });
}

async function pourAnswer(socket: Socket): Promise<void> {
  socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\nConnection: close\r\n\r\n`);
  await pour(socket, total, (data) => data);
  socket.end();
}

function swallow(socket: Socket, first: Buffer, stops: boolean): void {
  const isChunked = first.includes('ransfer-', 0, 'latin1') && first.includes('chunked', 0, 'latin1');
  let count = first.length - (first.indexOf('\r\n\r\n') + 4);
  let isStopped = !stops;
  const look = (chunk: Buffer): void => {
    if (!isStopped && count > 16 * mebibyte) {
      isStopped = true;
      socket.pause();
    }
    const isLast = isChunked ? chunk.subarray(-5).equals(Buffer.from('0\r\n\r\n')) : count >= total;
    if (!isLast) return;
    const body = `received ${count}`;
    socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`);
  };
  socket.on('data', (chunk: Buffer) => {
    count += chunk.length;
    look(chunk);
  });
  look(first);
}

async function pour(socket: Socket, bytes: number, frame: (data: Buffer) => Buffer): Promise<void> {
  const framed = frame(piece);
  for (let sent = 0; sent < bytes; sent += piece.length) {
    if (socket.destroyed) throw new Error(`cut after ${sent} bytes`);
    if (!socket.write(framed)) await within(drained(socket), 'the socket to drain', 90_000);
  }
}

/** Resolves too when the socket is gone. */
function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.once('drain', done).once('close', done);
  });
}

/** What the socket has handed to the kernel. */
function sentBy(socket: Socket): number {
  return socket.bytesWritten - socket.writableLength;
}

/** Resolves when the number has stood still for half a second: everything on the way is full. */
async function comesToRest(count: () => number): Promise<void> {
  let last = -1;
  let since = 0;
  await eventually(
    () => {
      const now = count();
      if (now !== last) since = performance.now();
      last = now;
      return performance.now() - since > 500 ? true : null;
    },
    'the flow to stop',
    60_000,
  );
}

async function connected(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

async function drain(socket: Socket): Promise<number> {
  let count = 0;
  socket.on('data', (chunk: Buffer) => (count += chunk.length));
  await within(once(socket, 'close'), 'the end of the download', 90_000);
  return count;
}

async function text(socket: Socket): Promise<string> {
  let received = '';
  socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
  await once(socket, 'close');
  return received;
}
