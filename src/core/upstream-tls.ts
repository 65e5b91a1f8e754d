/** How the gateway speaks TLS as a client: whom it trusts, who it says it is, and whose name the other side must show. */
import { isIP } from 'node:net';
import {
  type ConnectionOptions,
  checkServerIdentity,
  createSecureContext,
  getCACertificates,
  setDefaultCACertificates,
} from 'node:tls';
import type { UpstreamTlsConfig } from '../contracts/config.ts';

/** Made once for all connections to a host: parsing a bundle of authorities takes milliseconds. */
export function upstreamTlsOptions(tls: UpstreamTlsConfig | null, hostname: string): ConnectionOptions {
  const { ca = null, cert = null, key = null, verify = true, servername = null } = tls ?? {};
  if (ca === null) trustSystem();
  const context: Parameters<typeof createSecureContext>[0] = { minVersion: 'TLSv1.2' };
  if (ca !== null) context.ca = ca.pem;
  if (cert !== null) context.cert = cert.pem;
  if (key !== null) context.key = key.pem;
  const name = servername ?? hostname;
  return {
    secureContext: createSecureContext(context),
    rejectUnauthorized: verify,
    // Addresses can't be asked for (RFC 6066, section 3).
    servername: isIP(name) === 0 ? name : '',
    // Whatever else a request may say, this is the name that counts.
    checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
  };
}

let trustsSystem = false;

/**
 * The authorities of the system, and those of NODE_EXTRA_CA_CERTS, take the place of those that come with Node; where
 * the system has none, as in slim images, Node's stay. Reading them takes 0.1 s, so that nobody does who needs none.
 */
function trustSystem(): void {
  if (trustsSystem) return;
  trustsSystem = true;
  const system = getCACertificates('system');
  if (system.length > 0) setDefaultCACertificates([...new Set([...system, ...getCACertificates('extra')])]);
}
