/** Asking the gateway, with the token if it wants one. This tab keeps it; nothing else does. */

const kept = 'sluice admin token';

/** The token is missing or wrong. */
export class TokenWanted extends Error {}

export function hasToken() {
  return sessionStorage.getItem(kept) !== null;
}

/** @param {string} token */
export function keepToken(token) {
  sessionStorage.setItem(kept, token);
}

export function dropToken() {
  sessionStorage.removeItem(kept);
}

/** Throws TokenWanted; any other error: there is no answer. @param {string} path @returns {Promise<unknown>} */
export async function ask(path) {
  const token = sessionStorage.getItem(kept);
  const response = await fetch(path, {
    headers: token === null ? {} : { authorization: `Bearer ${token}` },
    cache: 'no-store',
    credentials: 'omit',
    redirect: 'error',
    signal: AbortSignal.timeout(5000),
  });
  if (response.status === 401) throw new TokenWanted();
  if (!response.ok) throw new Error(`the gateway answers ${response.status}`);
  return await response.json();
}
