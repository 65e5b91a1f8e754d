/** How clients show who they are, as the stages of a request see it. */
import type { Exchange } from './exchange.ts';
import type { Refusal } from './refusal.ts';

/** Why credentials were not accepted. `missing`: the client shows none at all. */
export type CredentialFailure = 'missing' | 'empty' | 'repeated' | 'unknown';

/** The values of `auth_failures_total{reason}`. `forbidden`: a known client on a route that is not for it. */
export type AuthFailure = CredentialFailure | 'forbidden';

export interface Authenticator {
  /** Field that holds the credentials, lower case: it is never sent on. Null: they are shown in another way. */
  readonly field: string | null;
  /** What the client is told, made once. */
  readonly refusals: { readonly [F in CredentialFailure]: Refusal };
  /** Sets `x.consumer` and answers null, or says why it can't. */
  authenticate(x: Exchange): CredentialFailure | null;
}
