/**
 * The second listener: health, metrics and the inside of the gateway for operators and their machines, served by the
 * supervisor so that it answers whatever state the workers are in. What it answers stands in admin/endpoints.ts.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Log } from '../src/contracts/log.ts';
import { problemBody, refusal } from '../src/core/refusals.ts';
import { takeRequestId } from '../src/core/request-id.ts';
import { Crowd } from './admin/crowd.ts';
import { type AdminAnswer, AdminError, type AdminProblem, type Endpoint } from './admin/endpoint.ts';
import { type AdminGateway, listEndpoints } from './admin/endpoints.ts';
import { chooseMethod, findByPath } from './admin/find-endpoint.ts';
import { createGuard, type Guard } from './admin/guard.ts';
import { readBody } from './admin/read-body.ts';
import type { ListeningSocket } from './listening-socket.ts';

export interface AdminOptions extends AdminGateway {
  readonly host: string;
  /** 0: any free one. (That a config's 0 means "off" is the caller's to know.) */
  readonly port: number;
  /** One that was handed over, to listen on in place of the port; null: none was. */
  readonly socket: ListeningSocket | null;
  readonly token: string | null;
  readonly log: Log;
}

export interface AdminServer {
  readonly port: number;
  close(): Promise<void>;
}

interface Desk {
  readonly endpoints: readonly Endpoint[];
  readonly guard: Guard;
  readonly crowd: Crowd;
  readonly log: Log;
}

/** Rejects, with a sentence for the operator, when it can't listen. */
export async function startAdminServer(options: AdminOptions): Promise<AdminServer> {
  const desk = {
    endpoints: listEndpoints(options),
    guard: createGuard(options),
    crowd: new Crowd(),
    log: options.log,
  };
  const server = createServer({ connectionsCheckingInterval: 1000, headersTimeout: 5000, requestTimeout: 10_000 });
  server.maxConnections = 256;
  server.on('request', (request, response) => void serve(request, response, desk));
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(new Error(describe(error, options))));
    if (options.socket === null) server.listen(options.port, options.host, resolve);
    else server.listen(options.socket.handle, resolve);
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

async function serve(request: IncomingMessage, response: ServerResponse, desk: Desk): Promise<void> {
  const id = takeRequestId(String(request.headers['x-request-id'] ?? ''));
  try {
    send(response, id, await answer(request, desk, id));
  } catch (error) {
    send(response, id, toProblem(problemOf(error), id));
  }
}

async function answer(request: IncomingMessage, desk: Desk, id: string): Promise<AdminAnswer> {
  const { headers } = request;
  const [path, query] = splitOnce(request.url ?? '', '?');
  const found = findByPath(desk.endpoints, path);
  const stranger = desk.guard.refuseVisitor(headers, found[0]?.endpoint.for ?? null);
  if (stranger !== null) return refuse(stranger, found[0]?.endpoint.toStrangers, id);
  if (found.length === 0) return toProblem(noSuchPath, id);
  const chosen = chooseMethod(found, request.method ?? '');
  if (!('endpoint' in chosen)) return toProblem(chosen, id);

  const { endpoint, parameters } = chosen;
  const ask = (): Promise<AdminAnswer> =>
    desk.crowd.letIn(endpoint, async () => {
      const body = await readBody(request, endpoint.maxBodyBytes ?? 0);
      return await endpoint.answer({ parameters, query: new URLSearchParams(query), headers, body });
    });
  if (endpoint.method === 'GET') return await ask();
  const careless = desk.guard.refuseChange(headers);
  if (careless !== null) return toProblem(careless, id);
  return endpoint.changesNothing ? await ask() : await logged(request, id, desk.log, ask);
}

function refuse(problem: AdminProblem, page: AdminAnswer | undefined, id: string): AdminAnswer {
  if (problem.status !== 401 || page === undefined) return toProblem(problem, id);
  return { ...page, status: 401, headers: [...page.headers, ...(problem.headers ?? [])] };
}

/** Who has changed what, and how that went: for whoever looks for the reason later. */
async function logged(
  { method, url, headers, socket }: IncomingMessage,
  requestId: string,
  log: Log,
  ask: () => Promise<AdminAnswer>,
): Promise<AdminAnswer> {
  const who = { clientIp: socket.remoteAddress ?? '', withToken: headers.authorization !== undefined };
  const what = { method, path: url, ...who, requestId };
  try {
    const done = await ask();
    log.warn({ ...what, status: done.status }, 'admin: a change was asked for');
    return done;
  } catch (error) {
    const { status } = problemOf(error);
    // What went wrong inside is no business of the client, and all that there is to find the fault by.
    const reason = error instanceof AdminError ? error.message : String(error);
    log.warn({ ...what, status, reason }, 'admin: a change was asked for and refused');
    throw error;
  }
}

function problemOf(error: unknown): AdminProblem {
  return error instanceof AdminError ? error.problem : notNow;
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

function toProblem(problem: AdminProblem, id: string): AdminAnswer {
  const headers = ['Content-Type', 'application/problem+json', ...(problem.headers ?? [])];
  return { status: problem.status, headers, body: [problemBody(problem, id)] };
}

function send(response: ServerResponse, id: string, { status, headers, body }: AdminAnswer): void {
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

const noSuchPath = refusal('no_route', 'the admin listener has no such path; docs/admin.md lists what it has');
const notNow = refusal('overloaded', 'the answer could not be had; try again');

function describe(error: NodeJS.ErrnoException, { host, port }: AdminOptions): string {
  const where = `the admin listener can't listen on ${host}:${port}`;
  if (error.code === 'EADDRINUSE') return `${where}: the port is in use (EADDRINUSE); set admin.port, 0 turns it off`;
  if (error.code === 'EADDRNOTAVAIL') return `${where}: no such address on this machine; set admin.host`;
  if (error.code === 'EACCES') return `${where}: not permitted; set admin.port to one above 1023`;
  return `${where}: ${error.message}`;
}
