/** Who a client certificate says that a client is. */
import type { X509Certificate } from 'node:crypto';

/** It becomes a field's value (X-Consumer-Name), a label and a key of limits: as long as names in the config may be. */
const longestName = 200;

/**
 * The CN of a certificate that has been verified, as the consumer's name; empty when it can't be one: absent, there
 * twice, too long, with space around it, or with anything but printable ASCII, in which two names can look the same.
 */
export function consumerOf(certificate: X509Certificate): string {
  const { CN } = certificate.toLegacyObject().subject;
  if (typeof CN !== 'string' || CN.length > longestName || CN.trim() !== CN) return '';
  return /^[\x20-\x7e]+$/.test(CN) ? CN : '';
}
