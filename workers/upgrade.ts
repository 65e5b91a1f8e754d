/** What else than HTTP/1.1 a request may ask for, or be: other protocols, and upgrades to them. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { listHas } from '../src/core/http-fields.ts';
import { connectionOf } from './client-connection.ts';

/**
 * The parser takes `GET / RTSP/1.0` and `ICE/1.0` for HTTP/1.0 and keeps no trace of the name: it is looked for in the
 * bytes that are being parsed. (A head in several pieces hides it; such a request is served as the HTTP/1.0 that it is
 * in all but name.)
 */
export function isOtherProtocol(request: IncomingMessage): boolean {
  if (request.httpVersionMinor !== 0 || request.httpVersionMajor !== 1) return false;
  const { parser } = request.socket as unknown as {
    readonly parser: { getCurrentBuffer?(): Buffer | undefined } | null;
  };
  const bytes = parser?.getCurrentBuffer?.();
  const start = `${request.method} ${request.url} `;
  return bytes !== undefined && (bytes.includes(`${start}RTSP/`, 'latin1') || bytes.includes(`${start}ICE/`, 'latin1'));
}

/** node asks it of each request with `Upgrade`. */
export function acceptsUpgrade(request: IncomingMessage): boolean {
  if (asksForWebSocket(request)) return true;
  connectionOf(request.socket).forgetBehind(request);
  return false;
}

/**
 * Of upgrades only WebSocket's passes (RFC 6455, section 4.1), alone on its connection; every other request that
 * carries Upgrade is served without it.
 */
export function asksForWebSocket(request: IncomingMessage): boolean {
  const { method, headers, httpVersionMinor, socket } = request;
  if (method !== 'GET' || httpVersionMinor !== 1 || headers.upgrade === undefined || hasBody(request)) return false;
  return listHas(headers.upgrade, 'websocket') && !connectionOf(socket).isBusy;
}

export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
}

/** A client whose handshake is under way is readable: with nothing to read it has ended its side, and waits for no 101. */
export function destroyAtEnd(this: Socket): void {
  if (this.readableLength === 0) this.destroy();
}
