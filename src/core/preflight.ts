/** A browser's question before a cross-origin request (Fetch standard, section 3.2.2: CORS-preflight request). */

export interface Preflight {
  readonly origin: string;
  /** The method of the request to come: its route is the one to ask. */
  readonly method: string;
  /** As sent; empty when the browser asks for none. */
  readonly headers: string;
}

/**
 * `null`: no preflight. The route that answers is the one that a request of `method` would find, since a route with
 * `methods: [POST]` wants no OPTIONS; only when that route has no cors is OPTIONS a method like any other.
 */
export function readPreflight(method: string, rawHeaders: readonly string[]): Preflight | null {
  if (method !== 'OPTIONS') return null;
  let origin: string | null = null;
  let requestedMethod: string | null = null;
  let headers = '';
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const value = rawHeaders[i + 1] as string;
    switch ((rawHeaders[i] as string).toLowerCase()) {
      case 'origin':
        // Sent twice, it is no browser's question.
        if (origin !== null) return null;
        origin = value;
        break;
      case 'access-control-request-method':
        if (requestedMethod !== null) return null;
        requestedMethod = value;
        break;
      case 'access-control-request-headers':
        headers = headers === '' ? value : `${headers},${value}`;
        break;
    }
  }
  if (origin === null || requestedMethod === null || requestedMethod === '') return null;
  return { origin, method: requestedMethod, headers };
}
