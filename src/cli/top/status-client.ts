/** Asks the admin listener for its status. */
import type { Status } from '../../contracts/status.ts';
import { makeHarmless } from './text.ts';

export interface StatusSource {
  /** Without a slash at its end. */
  readonly url: string;
  readonly token: string | null;
}

export type StatusAnswer =
  | { readonly kind: 'status'; readonly status: Status }
  /** It may come back. */
  | { readonly kind: 'away'; readonly why: string }
  /** Asking again is of no use. */
  | { readonly kind: 'refused'; readonly why: string };

/** Never rejects. `signal`: how long to wait. */
export async function askStatus({ url, token }: StatusSource, signal: AbortSignal): Promise<StatusAnswer> {
  try {
    const headers: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
    const response = await fetch(`${url}/status`, { headers, signal, redirect: 'error' });
    if (response.ok) return { kind: 'status', status: (await response.json()) as Status };
    await response.body?.cancel();
    return refuse(url, response.status, token !== null);
  } catch (error) {
    return { kind: 'away', why: `no answer from ${url}: ${makeHarmless(reasonOf(error))}` };
  }
}

function refuse(url: string, status: number, hadToken: boolean): StatusAnswer {
  if (status === 401 && hadToken) return { kind: 'refused', why: `${url} does not take the token` };
  if (status === 401)
    return { kind: 'refused', why: `${url} wants a token: give it with --token-file FILE or SLUICE_ADMIN_TOKEN` };
  if (status >= 500) return { kind: 'away', why: `${url} answers ${status}` };
  return { kind: 'refused', why: `${url} answers ${status} to GET /status: is it the admin listener of a gateway?` };
}

/** It may quote what came in the place of an answer. */
function reasonOf(error: unknown): string {
  const { name, cause, message } = error as Error & { cause?: { code?: string; message?: string } };
  if (name === 'TimeoutError') return 'it takes too long';
  return cause?.code ?? cause?.message ?? message;
}
