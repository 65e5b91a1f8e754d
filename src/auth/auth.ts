/** What routes ask of clients: who they are, and whether they are among those who may come. Compiled once per config. */
import type { Authenticator, CredentialFailure } from '../contracts/auth.ts';
import type { Stage } from '../contracts/compiled.ts';
import type { AuthConfig, ListenerTlsConfig, RouteConfig } from '../contracts/config.ts';
import type { Exchange } from '../contracts/exchange.ts';
import type { Refusal } from '../contracts/refusal.ts';
import { refusal } from '../core/refusals.ts';
import { shadow } from '../core/shadow.ts';
import { compileScheme } from './schemes.ts';

export interface Auth {
  /** The field that is never sent on, lower case; null: none. */
  readonly keyField: string | null;
  /** The stage that finds out who the client is; null: this route asks nobody. */
  stageOf(route: Pick<RouteConfig, 'auth'>): Stage | null;
}

/**
 * `config`: null when the config says nothing of auth. `certificates`: whether clients are asked for them; a client that
 * has shown a good one comes to these stages with its name in `x.consumer` (docs/decisions/0012).
 */
export async function compileAuth(
  config: AuthConfig | null,
  certificates: ListenerTlsConfig['clientAuth'],
): Promise<Auth> {
  const authenticator = await compileScheme(config, certificates);
  // The routes share the four stages that there can be.
  const enforced = { none: null, optional: identify(authenticator), required: demand(authenticator) };
  const shadowed = { none: null, optional: shadow(enforced.optional), required: shadow(enforced.required) };
  return {
    keyField: authenticator.field,
    stageOf({ auth }) {
      const require = auth?.require ?? config?.default ?? 'none';
      // Whoever tries auth out as a whole must not be surprised by one route that says "required" in short.
      const isShadow = auth?.mode === 'shadow' || config?.mode === 'shadow';
      return (isShadow ? shadowed : enforced)[require];
    },
  };
}

/** `auth: required`. Whoever shows no key is who the certificate says. */
function demand(authenticator: Authenticator): Stage {
  return (x) => {
    const failure = authenticator.authenticate(x);
    return failure === null || (failure === 'missing' && x.consumer !== '') ? null : refuse(x, failure, authenticator);
  };
}

/** `auth: optional`: strangers may pass, impostors may not. */
function identify(authenticator: Authenticator): Stage {
  return (x) => {
    const failure = authenticator.authenticate(x);
    return failure === null || failure === 'missing' ? null : refuse(x, failure, authenticator);
  };
}

/** A client that shows something wrong is nobody, whatever its certificate says. */
function refuse(x: Exchange, failure: CredentialFailure, { refusals }: Authenticator): Refusal {
  x.consumer = '';
  return refusals[failure];
}

/** Null: every client may come. Strangers have no name, so they are never on the list. */
export function compileConsumers(consumers: RouteConfig['consumers']): Stage | null {
  if (consumers === null) return null;
  const allowed = new Set(consumers.allow);
  const stage: Stage = (x) => (allowed.has(x.consumer) ? null : forbidden);
  return consumers.mode === 'shadow' ? shadow(stage) : stage;
}

const forbidden = {
  ...refusal('forbidden', 'this route is not open to this client'),
  authFailure: 'forbidden',
} as const;
