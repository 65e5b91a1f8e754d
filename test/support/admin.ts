/** Asks the admin listener of a gateway as an operator does. */
import type { Gateway } from './gateway.ts';

export interface AdminAnswer {
  readonly status: number;
  readonly headers: Headers;
  // Read as it comes, and compared: a type for each answer would say the same twice.
  // biome-ignore lint/suspicious/noExplicitAny: see above.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any;
}

export interface AdminQuestion {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer<ArrayBuffer>;
}

/** `what`: `POST /reload`. */
export async function askAdmin(
  { adminUrl }: Pick<Gateway, 'adminUrl'>,
  what: string,
  { headers, body }: AdminQuestion = {},
): Promise<AdminAnswer> {
  const [method = 'GET', path = '/'] = what.split(' ');
  const response = await fetch(`${adminUrl}${path}`, {
    method,
    headers: { 'x-sluice-admin': '1', ...headers },
    ...(body === undefined ? {} : { body }),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}
