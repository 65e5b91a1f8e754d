/** Finds the endpoint of a request by its path and method. */
import type { AdminProblem, Endpoint } from './endpoint.ts';

export type Found = { readonly endpoint: Endpoint; readonly parameters: Readonly<Record<string, string>> };

/** Those of one path share `for`, so that the first tells who may ask before the method is looked at. */
export function findByPath(endpoints: readonly Endpoint[], path: string): Found[] {
  const segments = path.split('/');
  return endpoints.flatMap((endpoint) => {
    const parameters = matchSegments(endpoint.path.split('/'), segments);
    return parameters === null ? [] : [{ endpoint, parameters }];
  });
}

/** `found`: all of the path. */
export function chooseMethod(found: readonly Found[], method: string): Found | AdminProblem {
  const chosen = found.find(({ endpoint }) => endpoint.method === (method === 'HEAD' ? 'GET' : method));
  if (chosen !== undefined) return chosen;
  const allowed = found.flatMap(({ endpoint }) => (endpoint.method === 'GET' ? ['GET', 'HEAD'] : [endpoint.method]));
  const detail = `this path takes ${allowed.join(', ')}`;
  return { status: 405, code: 'method_not_allowed', detail, headers: ['Allow', allowed.join(', ')] };
}

function matchSegments(pattern: readonly string[], segments: readonly string[]): Record<string, string> | null {
  if (pattern.length !== segments.length) return null;
  const parameters: Record<string, string> = {};
  for (const [i, expected] of pattern.entries()) {
    const given = segments[i] ?? '';
    if (!expected.startsWith(':')) {
      if (given !== expected) return null;
      continue;
    }
    const decoded = decode(given);
    if (decoded === null || decoded === '') return null;
    parameters[expected.slice(1)] = decoded;
  }
  return parameters;
}

function decode(segment: string): string | null {
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
}
