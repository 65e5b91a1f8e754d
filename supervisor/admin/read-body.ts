/** Reads what comes with a request to the admin listener, up to a limit. */
import type { IncomingMessage } from 'node:http';
import { AdminError } from './endpoint.ts';

/** Rejects with 413 when more comes. The rest is not read: the connection closes with the answer. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  // Destroyed, it would take its connection along, and with that the answer.
  for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > maxBytes) throw tooLarge(maxBytes);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function tooLarge(maxBytes: number): AdminError {
  const detail = maxBytes === 0 ? 'this path takes no body' : `the body is larger than ${maxBytes} bytes`;
  return new AdminError({ status: 413, code: 'body_too_large', detail, headers: ['Connection', 'close'] });
}
