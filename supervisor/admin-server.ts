/**
 * The second listener: health, metrics and the config for operators and their machines, served by the supervisor so that it answers
 * whatever state the workers are in. It changes nothing, so it takes GET and HEAD only.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import type { Health } from '../src/contracts/ipc.ts';
import type { Refusal } from '../src/contracts/refusal.ts';
import { problemBody, refusal } from '../src/core/refusals.ts';
import { takeRequestId } from '../src/core/request-id.ts';
import { deepBody, type HealthBody, liveBody, readyBody } from '../src/health/bodies.ts';
import { askInRounds, type UpstreamAnswer } from '../src/health/deep.ts';
import { expositionType } from '../src/metrics/scrape.ts';

export interface AdminOptions {
  readonly host: string;
  /** 0: any free one. (That a config's 0 means "off" is the caller's to know.) */
  readonly port: number;
  readonly token: string | null;
  readonly health: () => Health;
  readonly metrics: () => Promise<readonly Uint8Array[]>;
  /** The config in force as JSON, without secrets. */
  readonly config: () => Promise<Uint8Array>;
  /** Asks each upstream of the config in force. */
  readonly askUpstreams: () => Promise<UpstreamAnswer[]>;
}

export interface AdminServer {
  readonly port: number;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: readonly Uint8Array[];
}

type Endpoint = (request: IncomingMessage) => Promise<Answer> | Answer;

/** Rejects, with a sentence for the operator, when it can't listen. */
export async function startAdminServer(options: AdminOptions): Promise<AdminServer> {
  const endpoints = listEndpoints(options);
  const guard = createGuard(options);
  const server = createServer({ connectionsCheckingInterval: 1000, headersTimeout: 5000, requestTimeout: 10_000 });
  server.maxConnections = 256;
  server.on('request', (request, response) => {
    void answer(request, response, endpoints, guard);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(new Error(describe(error, options))));
    server.listen(options.port, options.host, resolve);
  });
  // From here on, errors are of single connections being accepted (EMFILE), and no reason to end.
  server.on('error', () => {});
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listEndpoints({ health, metrics, config, askUpstreams }: AdminOptions): ReadonlyMap<string, Endpoint> {
  const askOnce = askInRounds(askUpstreams);
  return new Map<string, Endpoint>([
    ['/health/live', () => json(liveBody(new Date()))],
    ['/health/ready', () => json(readyBody(health()))],
    ['/health/deep', async () => json(deepBody(health(), await askOnce(), 'targets'))],
    ['/metrics', async () => ({ status: 200, headers: ['Content-Type', expositionType], body: await metrics() })],
    ['/config', async () => ({ status: 200, headers: ['Content-Type', 'application/json'], body: [await config()] })],
  ]);
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  endpoints: ReadonlyMap<string, Endpoint>,
  guard: Guard,
): Promise<void> {
  const id = takeRequestId(String(request.headers['x-request-id'] ?? ''));
  const [path = ''] = (request.url ?? '').split('?', 1);
  const endpoint = endpoints.get(path);
  const refused = guard(request, path) ?? (endpoint === undefined ? noSuchPath : null);
  if (refused !== null || endpoint === undefined) return send(response, id, problem(refused ?? noSuchPath, id));
  try {
    send(response, id, await endpoint(request));
  } catch {
    send(response, id, problem(notNow, id));
  }
}

type Guard = (request: IncomingMessage, path: string) => Refusal | null;

/** Who may ask what. Health is for everybody who can reach the listener: probes carry no secrets. */
function createGuard({ host, token }: AdminOptions): Guard {
  const isLocal = host === 'localhost' || isLoopback(host);
  const expected = token === null ? null : digest(token);
  return ({ method, headers }, path) => {
    // A page in a browser can have its own name resolve to 127.0.0.1 and so reach a listener that trusts the loopback.
    if (isLocal && !isLocalName(headers.host ?? '', host)) return wrongHost;
    if (expected !== null && !path.startsWith('/health/')) {
      const given = digest(bearerOf(headers.authorization ?? ''));
      if (!timingSafeEqual(given, expected)) return unauthorized;
    }
    return method === 'GET' || method === 'HEAD' ? null : wrongMethod;
  };
}

/** RFC 6750; the scheme's case does not matter. */
function bearerOf(authorization: string): string {
  return /^bearer +(.*)$/i.exec(authorization)?.[1] ?? '';
}

/** Digests have one length, so comparing them tells nothing of the token's. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function isLocalName(authority: string, listenHost: string): boolean {
  const name = authority
    .replace(/:\d*$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
  return name === '' || name === 'localhost' || name === listenHost.toLowerCase() || isLoopback(name);
}

function isLoopback(ip: string): boolean {
  return ip === '::1' || (isIP(ip) === 4 && ip.startsWith('127.'));
}

function json({ status, body }: HealthBody): Answer {
  return { status, headers: ['Content-Type', 'application/json'], body: [Buffer.from(JSON.stringify(body))] };
}

function problem(refused: Refusal, id: string): Answer {
  const headers = ['Content-Type', 'application/problem+json', ...refused.headers];
  return { status: refused.status, headers, body: [problemBody(refused, id)] };
}

function send(response: ServerResponse, id: string, { status, headers, body }: Answer): void {
  const length = body.reduce((sum, part) => sum + part.length, 0);
  response.writeHead(status, [...headers, ...always, 'X-Request-Id', id, 'Content-Length', String(length)]);
  for (const part of body) response.write(part);
  response.end();
}

/** No cache and no page of another site has a use for what is said here. */
const always = [
  'Cache-Control',
  'no-store',
  'X-Content-Type-Options',
  'nosniff',
  'Cross-Origin-Resource-Policy',
  'same-origin',
];

const noSuchPath = refusal(
  'no_route',
  'the admin listener has /health/live, /health/ready, /health/deep, /metrics and /config',
);
const wrongMethod = refusal('method_not_allowed', 'the admin listener takes GET and HEAD', ['Allow', 'GET, HEAD']);
const wrongHost = refusal('forbidden', 'the admin listener is local: ask for it as localhost or by its address');
const unauthorized = refusal('unauthorized', 'the admin listener wants Authorization: Bearer and admin.token', [
  'WWW-Authenticate',
  'Bearer realm="sluice admin"',
]);
const notNow = refusal('overloaded', 'the answer could not be had; try again');

function describe(error: NodeJS.ErrnoException, { host, port }: AdminOptions): string {
  const where = `the admin listener can't listen on ${host}:${port}`;
  if (error.code === 'EADDRINUSE') return `${where}: the port is in use (EADDRINUSE); set admin.port, 0 turns it off`;
  if (error.code === 'EADDRNOTAVAIL') return `${where}: no such address on this machine; set admin.host`;
  if (error.code === 'EACCES') return `${where}: not permitted; set admin.port to one above 1023`;
  return `${where}: ${error.message}`;
}
