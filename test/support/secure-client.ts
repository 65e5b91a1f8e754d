/** A client that speaks TLS to the gateway, and within it exact bytes like any raw client. */
import { once } from 'node:events';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { within } from './deadline.ts';
import { RawClient, type RawResponse } from './raw-client.ts';

export type SecureOptions = ConnectionOptions & { readonly localAddress?: string };

export interface SecureClient extends RawClient {
  readonly socket: TLSSocket;
}

/** Resolves when the handshake is done, as far as the client can tell; rejects when it fails. Certificates are not checked unless `ca` is given. */
export async function secureClient(port: number, options: SecureOptions = {}): Promise<SecureClient> {
  const all: SecureOptions & { readonly allowHalfOpen: boolean } = {
    host: '127.0.0.1',
    port,
    allowHalfOpen: true,
    rejectUnauthorized: options.ca !== undefined,
    ALPNProtocols: ['http/1.1'],
    ...options,
  };
  const socket = connect(all);
  const client = new RawClient(socket);
  await within(once(socket, 'secureConnect'), `a TLS handshake with port ${port}`);
  return client as SecureClient;
}

/** One request on a connection of its own. Rejects when the handshake fails or nothing comes back. */
export async function askSecurely(port: number, request: string, options: SecureOptions = {}): Promise<RawResponse> {
  const client = await secureClient(port, options);
  client.write(request);
  const answer = await client.finalResponse();
  client.destroy();
  if (answer === null) throw new Error(`closed (${client.closing}) without an answer`);
  return answer;
}
