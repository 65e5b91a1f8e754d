/** What routes ask of clients: who they are, and whether they are among those who may come. Compiled once per config. */
import type { Authenticator } from '../contracts/auth.ts';
import type { Stage } from '../contracts/compiled.ts';
import type { AuthConfig, RouteConfig } from '../contracts/config.ts';
import { refusal } from '../core/refusals.ts';
import { shadow } from '../core/shadow.ts';
import { compileScheme } from './schemes.ts';

export interface Auth {
  /** The field that is never sent on, lower case; null: none. */
  readonly keyField: string | null;
  /** The stage that finds out who the client is; null: this route asks nobody. */
  stageOf(route: Pick<RouteConfig, 'auth'>): Stage | null;
}

/** `config`: null when the config says nothing of auth. */
export async function compileAuth(config: AuthConfig | null): Promise<Auth> {
  const authenticator = await compileScheme(config);
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

/** `auth: required` */
function demand(authenticator: Authenticator): Stage {
  return (x) => {
    const failure = authenticator.authenticate(x);
    return failure === null ? null : authenticator.refusals[failure];
  };
}

/** `auth: optional`: strangers may pass, impostors may not. */
function identify(authenticator: Authenticator): Stage {
  return (x) => {
    const failure = authenticator.authenticate(x);
    return failure === null || failure === 'missing' ? null : authenticator.refusals[failure];
  };
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
