/** Every way in which clients may show who they are. A variant of the config without a line here does not compile. */
import type { Authenticator } from '../contracts/auth.ts';
import type { AuthConfig, ListenerTlsConfig } from '../contracts/config.ts';
import { compileApiKey } from './api-key.ts';
import { credentialRefusals } from './credential-refusals.ts';

const schemes: {
  readonly [T in AuthConfig['type']]: (config: Extract<AuthConfig, { type: T }>) => Promise<Authenticator>;
} = {
  apiKey: compileApiKey,
};

/** Null: nothing but a certificate, if that, can be shown. Routes that want more are closed, not open. */
export async function compileScheme(
  config: AuthConfig | null,
  certificates: ListenerTlsConfig['clientAuth'],
): Promise<Authenticator> {
  if (config !== null) return await schemes[config.type](config);
  return certificates === 'none'
    ? withoutScheme('this route wants credentials, and the gateway has been told of none')
    : withoutScheme('this route wants a client certificate whose CN names the client');
}

function withoutScheme(why: string): Authenticator {
  const details = { missing: why, empty: why, repeated: why, unknown: why };
  return {
    field: null,
    refusals: credentialRefusals('ApiKey realm="sluice"', details),
    authenticate: () => 'missing',
  };
}
