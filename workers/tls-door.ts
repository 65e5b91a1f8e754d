/**
 * TLS on accepted connections, as one config and one set of certificates want it. What these change makes a new door:
 * connections stay with the door that they came through.
 */
import { constants, createHash, X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { createSecureContext, createServer, type SecureContext, type Server, type TLSSocket } from 'node:tls';
import type { ListenerTlsConfig } from '../src/contracts/config.ts';
import { longestTimerMs } from '../src/core/longest-timer.ts';
import { consumerOf } from '../src/tls/client-name.ts';
import { type HandshakeFailure, nameFailure } from '../src/tls/handshake-failures.ts';
import { namesOf, ServerNames } from '../src/tls/server-names.ts';

/** Who hears how handshakes end: each in one of the two ways, unless the connection is destroyed meanwhile. */
export interface DoorKeeper {
  /** `consumer`: from the client's certificate; empty: none. */
  handshakeDone(socket: TLSSocket, transport: Socket, consumer: string): void;
  handshakeFailed(transport: Socket, failure: HandshakeFailure, code: string): void;
}

/** Resumption goes on for so long after the handshake, seconds; the keys of tickets live longer. */
const sessionSeconds = 3_600;

export class TlsDoor {
  readonly config: ListenerTlsConfig;
  readonly handshakeMs: number;
  readonly #server: Server;

  /** Throws what OpenSSL does not like. `handshakeMs`: 0: no limit. */
  constructor(config: ListenerTlsConfig, handshakeMs: number) {
    this.config = config;
    this.handshakeMs = handshakeMs;
    const names = new ServerNames<SecureContext>();
    const [first] = config.certificates;
    if (first === undefined) throw new Error('proxy.tls names no certificate');
    for (const certificate of config.certificates) {
      const context = createSecureContext(contextOptions(config, certificate));
      names.add(namesOf(new X509Certificate(certificate.cert.pem)), context);
    }
    this.#server = createServer({
      ...contextOptions(config, first),
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: handshakeMs === 0 ? longestTimerMs : handshakeMs,
      requestCert: config.clientAuth !== 'none',
      // With `optional` a client without a certificate is let in, and node can't tell that from a bad one.
      rejectUnauthorized: config.clientAuth === 'required',
      SNICallback: (name, done) => done(null, names.find(name) ?? undefined),
    });
  }

  /** From now on connections are admitted, and `keeper` hears of them. */
  open(keeper: DoorKeeper): void {
    this.#server.on('secureConnection', (socket) => this.#done(socket, keeper));
    this.#server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => this.#failed(error, socket, keeper));
  }

  admit(transport: Socket): void {
    // Who has nothing more to say before the handshake is done will never finish it; the TLS socket goes by this one.
    transport.allowHalfOpen = false;
    this.#server.emit('connection', transport);
  }

  /** 48 bytes; tickets under older keys are worth nothing from now on, which costs their clients a full handshake. */
  setTicketKeys(keys: Buffer): void {
    this.#server.setTicketKeys(keys);
  }

  #done(socket: TLSSocket, keeper: DoorKeeper): void {
    const certificate = this.config.clientAuth === 'none' ? undefined : socket.getPeerX509Certificate();
    const wrong = this.#judge(socket, certificate);
    if (wrong === null) {
      socket.allowHalfOpen = true;
      keeper.handshakeDone(socket, transportOf(socket), certificate === undefined ? '' : consumerOf(certificate));
      return;
    }
    keeper.handshakeFailed(transportOf(socket), ...wrong);
    socket.destroy();
  }

  /** Why the client may not come in all the same: for what node and OpenSSL do not ask about. */
  #judge(socket: TLSSocket, certificate: X509Certificate | undefined): [HandshakeFailure, string] | null {
    if (certificate === undefined) {
      // For node a session that is resumed without a certificate is as good as one with.
      return this.config.clientAuth === 'required' ? ['no_client_certificate', ''] : null;
    }
    if (!socket.authorized) return ['bad_client_certificate', String(socket.authorizationError)];
    // A resumed session was verified when it began.
    const hasExpired = certificate.validToDate.getTime() < Date.now();
    return hasExpired ? ['bad_client_certificate', 'CERT_HAS_EXPIRED'] : null;
  }

  #failed(error: NodeJS.ErrnoException, socket: TLSSocket, keeper: DoorKeeper): void {
    const { authorizationError } = socket as { readonly authorizationError?: Error | string | null };
    const code = error.code ?? error.message;
    // Node closes a connection with a bad certificate by itself, and reports only that it was closed.
    if (authorizationError) {
      keeper.handshakeFailed(transportOf(socket), 'bad_client_certificate', String(authorizationError));
    } else keeper.handshakeFailed(transportOf(socket), nameFailure(code), code);
    socket.destroy();
  }
}

function contextOptions(config: ListenerTlsConfig, { cert, key }: ListenerTlsConfig['certificates'][number]) {
  const { clientAuth, clientCa, minVersion } = config;
  // A session that began under other rules for clients must not be resumed under these.
  const rules = createHash('sha256').update(`${clientAuth}\n${clientCa?.pem ?? ''}`);
  return {
    cert: cert.pem,
    key: key.pem,
    minVersion,
    ...(clientCa === null ? {} : { ca: clientCa.pem }),
    sessionIdContext: rules.digest('hex').slice(0, 32),
    sessionTimeout: sessionSeconds,
    // TLS 1.2 lets clients ask for a new handshake at any time, which costs them little and the server much.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  };
}

/** The TCP connection below, which node keeps to itself. */
function transportOf(socket: TLSSocket): Socket {
  return (socket as unknown as { readonly _parent: Socket })._parent;
}
