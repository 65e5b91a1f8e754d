/** One health check, against servers that answer well, badly, late, or never. */
import assert from 'node:assert/strict';
import { lookup } from 'node:dns';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { UpstreamConfig } from '../../../src/contracts/config.ts';
import { AddressGuard } from '../../../src/upstream/address-guard.ts';
import { compileAddressPolicy } from '../../../src/upstream/address-policy.ts';
import { probeTarget } from '../../../src/upstream/health-probe.ts';
import { createAuthority, pemOf } from '../../support/certificates.ts';
import { freePorts } from '../../support/ports.ts';

const guard = new AddressGuard({ warn: () => {} });

interface ProbeOptions {
  readonly by?: AddressGuard;
  readonly tls?: UpstreamConfig['tls'];
  readonly timeoutMs?: number;
}

function probe(url: string, { by = guard, tls = null, timeoutMs = 5_000 }: ProbeOptions = {}): Promise<string | null> {
  const check = { path: '/healthz?deep=1', intervalMs: 1_000, timeoutMs, healthy: 1, unhealthy: 1 };
  return probeTarget({ upstream: 'api', url, tls, check }, by, lookup);
}

async function listen(t: TestContext, server: Server | ReturnType<typeof createTcpServer>): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    if ('closeAllConnections' in server) server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

const answering =
  (status: number): RequestListener =>
  (_, answer) => {
    answer.statusCode = status;
    answer.end('x'.repeat(100_000));
  };

test('200 to 399 is well; what else comes is said', async (t) => {
  for (const [status, expected] of [
    [200, null],
    [204, null],
    [302, null],
    [399, null],
    [400, 'status 400'],
    [404, 'status 404'],
    [503, 'status 503'],
  ] as const) {
    const port = await listen(t, createServer(answering(status)));
    assert.equal(await probe(`http://127.0.0.1:${port}`), expected);
  }
});

test('the path is asked for as it stands, on a connection of its own that ends with it', async (t) => {
  const seen: (string | undefined)[] = [];
  const server = createServer((request, answer) => {
    seen.push(request.url, request.headers.host, request.headers.connection);
    answer.end();
  });
  const port = await listen(t, server);
  const closed = once(server, 'connection').then(([socket]) => once(socket as NodeJS.EventEmitter, 'close'));
  assert.equal(await probe(`http://127.0.0.1:${port}/base`), null);
  assert.deepEqual(seen, ['/healthz?deep=1', `127.0.0.1:${port}`, 'close']);
  await closed;
});

test('nobody there, nobody who speaks HTTP, and nobody who speaks at all', async (t) => {
  const [closed = 0] = await freePorts(1);
  assert.equal(await probe(`http://127.0.0.1:${closed}`), 'ECONNREFUSED');
  const rude = await listen(
    t,
    createTcpServer((socket) => socket.end('hello\r\n\r\n')),
  );
  assert.match((await probe(`http://127.0.0.1:${rude}`)) ?? '', /HTTPParserError|HPE_/);
  const silent = await listen(
    t,
    createServer(() => {}),
  );
  assert.equal(await probe(`http://127.0.0.1:${silent}`, { timeoutMs: 100 }), 'timeout');
});

/** A server with an event loop of its own. Steps: 1: it has been asked; 2: it may answer; 3: its answer is out. */
const patientServer = `
const { parentPort, workerData: step } = require('node:worker_threads');
const server = require('node:http').createServer((request, response) => {
  Atomics.store(step, 0, 1);
  Atomics.wait(step, 0, 1);
  response.end(() => Atomics.store(step, 0, 3));
});
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;

test('an answer that has come while the event loop was held up is read before the check is too late', async (t) => {
  const step = new Int32Array(new SharedArrayBuffer(4));
  const server = new Worker(patientServer, { eval: true, workerData: step });
  t.after(() => server.terminate());
  const [port] = (await once(server, 'message')) as [number];
  const timeoutMs = 4_000;
  const since = performance.now();
  const answer = probe(`http://127.0.0.1:${port}`, { timeoutMs });
  while (Atomics.load(step, 0) === 0) await new Promise(setImmediate);
  Atomics.store(step, 0, 2);
  Atomics.notify(step, 0);
  while (performance.now() - since < timeoutMs + 50 || Atomics.load(step, 0) < 3) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  }
  assert.equal(await answer, null);
});

test('a check goes through the same door as a request', async (t) => {
  const port = await listen(t, createServer(answering(200)));
  const strict = new AddressGuard({ warn: () => {} });
  strict.enforce(compileAddressPolicy({ allowedHosts: [], blockedIPs: ['127.0.0.0/8', '::1'] }));
  assert.equal(await probe(`http://127.0.0.1:${port}`, { by: strict }), 'SLUICE_ADDRESS_BLOCKED');
  assert.equal(await probe(`http://localhost:${port}`, { by: strict }), 'SLUICE_ADDRESS_BLOCKED');
});

test('TLS as for requests: verified against the authority of the upstream', async (t) => {
  const [mine, other] = await Promise.all([createAuthority('Mine'), createAuthority('Other')]);
  const port = await listen(t, createTlsServer(pemOf(await mine.issue({ names: ['localhost'] })), answering(200)));
  const trusting = ({ ca: file }: { readonly ca: string }): UpstreamConfig['tls'] => ({
    ca: { file, pem: readFileSync(file, 'utf8') },
    cert: null,
    key: null,
    servername: null,
    verify: true,
  });
  assert.equal(await probe(`https://localhost:${port}`, { tls: trusting(mine) }), null);
  assert.match((await probe(`https://localhost:${port}`, { tls: trusting(other) })) ?? '', /CERT|VERIFY|SIGN/);
});
