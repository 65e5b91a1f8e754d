/** Methods in spans: any but the known ones is a client's own word, which must not become the name of a span. */
import { knownMethods } from '../core/known-methods.ts';

const known: ReadonlySet<string> = new Set(knownMethods);

export interface SpanMethod {
  /** `http.request.method` */
  readonly method: string;
  /** How the span is called. */
  readonly name: string;
  /** `http.request.method_original`; null: it is the method. */
  readonly original: string | null;
}

export function spanMethod(method: string): SpanMethod {
  if (known.has(method)) return { method, name: method, original: null };
  return { method: '_OTHER', name: 'HTTP', original: method };
}
