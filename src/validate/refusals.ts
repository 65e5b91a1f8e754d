/** What validation answers: made once where nothing of the request is in it, and else with what does not fit. */
import type { Violations } from '../contracts/body-check.ts';
import type { Refusal, RequestError } from '../contracts/refusal.ts';
import { refusal } from '../core/refusals.ts';
import { acceptedCodings } from './codings.ts';

const doesNotFit = refusal('validation_failed', 'the request does not fit what this route asks for');
const hasMore = refusal(
  'validation_failed',
  'the request does not fit what this route asks for; there are more errors than are listed',
);

export function violated(errors: readonly RequestError[], isCut: boolean): Refusal {
  return { ...(isCut ? hasMore : doesNotFit), errors };
}

export function bodyViolated({ violations, hasMore: isCut }: Violations): Refusal {
  return violated(
    violations.map(({ path, message }) => ({ path, message, in: 'body' })),
    isCut,
  );
}

export const missingBody = violated([{ path: '', message: 'is missing', in: 'body' }], false);

export const malformedCoding = violated(
  [{ path: '', message: 'is not encoded as Content-Encoding says', in: 'body' }],
  false,
);

/** `ranges`: what the route takes, for Accept (RFC 9110, section 15.5.16). */
export function wrongType(ranges: readonly string[]): Refusal {
  const detail = `this route takes one Content-Type of: ${ranges.join(', ')}`;
  return refusal('unsupported_media_type', detail, ['Accept', ranges.join(', ')]);
}

export const wrongCharset = refusal('unsupported_media_type', 'JSON is UTF-8: no other charset is taken');

export const wrongCoding = refusal(
  'unsupported_media_type',
  `this route takes bodies with no Content-Encoding or with one of: ${acceptedCodings}`,
  ['Accept-Encoding', acceptedCodings],
);

export const tooLargeDecoded = refusal(
  'body_too_large',
  'the request body, decompressed, is larger than this route takes',
);

export const notChecked = refusal('overloaded', 'the request body could not be checked in time; try again later');
