/** An HTTPS upstream that answers with what its side of the handshake knows: for tests of TLS towards upstreams. */
import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { createServer, type Server, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after } from 'node:test';
import type { TLSSocket } from 'node:tls';

export interface TlsUpstream {
  readonly server: Server;
  readonly port: number;
  /** Requests that were read, whoever sent them. */
  readonly requests: number;
  close(): Promise<void>;
}

/** What it answers with. */
export interface Handshake {
  /** The name that was asked for; false: none. */
  readonly servername: string | false;
  readonly protocol: string;
  readonly alpn: string | false;
  readonly resumed: boolean;
  /** Of the client's certificate; null: it showed none. */
  readonly client: string | null;
  /** A number for each connection. */
  readonly connection: number;
}

/** Listens on a free port of 127.0.0.1 until the test or file that started it is over. */
export async function tlsUpstream(options: ServerOptions, answer: RequestListener = tell): Promise<TlsUpstream> {
  let requests = 0;
  const server = createServer(options, (request, response) => {
    requests++;
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    if (!server.listening) return;
    server.close();
    await once(server, 'close');
  };
  after(close);
  const { port } = server.address() as AddressInfo;
  return {
    server,
    port,
    get requests() {
      return requests;
    },
    close,
  };
}

/** The handshake behind a socket of such a server. */
export function handshakeOf(socket: TLSSocket): Handshake {
  const { subject } = socket.getPeerCertificate();
  return {
    servername: (socket as TLSSocket & { servername: string | false }).servername,
    protocol: socket.getProtocol() ?? '',
    alpn: socket.alpnProtocol ?? false,
    resumed: socket.isSessionReused(),
    client: subject === undefined ? null : String(subject.CN),
    connection: numberOf(socket),
  };
}

const tell: RequestListener = (request, response) => {
  response.setHeader('content-type', 'application/json');
  // Each request then needs a handshake of its own.
  if (request.url?.endsWith('/once')) response.setHeader('connection', 'close');
  response.end(JSON.stringify(handshakeOf(request.socket as TLSSocket)));
};

const numbers = new WeakMap<TLSSocket, number>();
let connections = 0;

function numberOf(socket: TLSSocket): number {
  const number = numbers.get(socket) ?? ++connections;
  numbers.set(socket, number);
  return number;
}
