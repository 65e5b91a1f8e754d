/** The refusals of an authenticator: 401 with a challenge, and the reason that metrics count. */
import type { Authenticator, CredentialFailure } from '../contracts/auth.ts';
import type { Refusal } from '../contracts/refusal.ts';
import { refusal } from '../core/refusals.ts';

/** `challenge`: the value of WWW-Authenticate (RFC 9110, section 11.6.1). `details`: for the client. */
export function credentialRefusals(
  challenge: string,
  details: { readonly [F in CredentialFailure]: string },
): Authenticator['refusals'] {
  const refuse = (failure: CredentialFailure): Refusal => ({
    ...refusal('unauthorized', details[failure], ['WWW-Authenticate', challenge]),
    authFailure: failure,
  });
  return {
    missing: refuse('missing'),
    empty: refuse('empty'),
    repeated: refuse('repeated'),
    unknown: refuse('unknown'),
  };
}
