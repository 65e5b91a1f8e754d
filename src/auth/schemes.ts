/** Every way in which clients may show who they are. A variant of the config without a line here does not compile. */
import type { Authenticator } from '../contracts/auth.ts';
import type { AuthConfig } from '../contracts/config.ts';
import { compileApiKey } from './api-key.ts';
import { credentialRefusals } from './credential-refusals.ts';

const schemes: {
  readonly [T in AuthConfig['type']]: (config: Extract<AuthConfig, { type: T }>) => Promise<Authenticator>;
} = {
  apiKey: compileApiKey,
};

/** Null: no client can show anything. Routes that want it all the same are closed, not open. */
export async function compileScheme(config: AuthConfig | null): Promise<Authenticator> {
  return config === null ? noScheme : await schemes[config.type](config);
}

const closed = 'this route wants credentials, and the gateway has been told of none';

const noScheme: Authenticator = {
  field: null,
  refusals: credentialRefusals('ApiKey realm="sluice"', {
    missing: closed,
    empty: closed,
    repeated: closed,
    unknown: closed,
  }),
  authenticate: () => 'missing',
};
