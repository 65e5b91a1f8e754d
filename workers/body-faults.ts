/** What a client can do wrong in sending a body, and what it is told. */
import type { Refusal } from '../src/contracts/refusal.ts';
import { closingRefusal } from '../src/core/refusals.ts';

export type BodyFault = 'too large' | 'too slow' | 'malformed' | 'gone';

/** Null: nobody is left to be told. */
export const bodyRefusals = {
  'too large': closingRefusal('body_too_large', 'the request body is larger than this route takes'),
  'too slow': closingRefusal('request_timeout', 'the request body did not arrive in time'),
  malformed: closingRefusal('bad_request', 'the request body is malformed'),
  gone: null,
} as const satisfies { readonly [F in BodyFault]: Refusal | null };
