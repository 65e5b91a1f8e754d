/** Asks the admin listener of a gateway as an operator does. */
import { type IncomingHttpHeaders, request } from 'node:http';
import type { Gateway } from './gateway.ts';

export interface AdminAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  // Read as it comes, and compared: a type for each answer would say the same twice.
  // biome-ignore lint/suspicious/noExplicitAny: see above.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any;
}

export interface AdminQuestion {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/**
 * `what`: `POST /reload`. On a connection of its own: a test may be busy for so long that one which was kept has been
 * closed meanwhile.
 */
export function askAdmin(
  { adminPort }: Pick<Gateway, 'adminPort'>,
  what: string,
  { headers, body }: AdminQuestion = {},
): Promise<AdminAnswer> {
  const [method = 'GET', path = '/'] = what.split(' ');
  return new Promise((resolve, reject) => {
    const sent = request({
      host: '127.0.0.1',
      port: adminPort,
      method,
      path,
      agent: false,
      headers: { 'x-sluice-admin': '1', ...headers },
    });
    sent.on('error', reject);
    sent.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('error', reject);
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: JSON.parse(text) });
      });
    });
    sent.end(body);
  });
}
