/** Why handshakes fail, in few words: the values of `tls_handshake_failures_total{reason}`. */

export type HandshakeFailure =
  /** Not finished within timeouts.headers. */
  | 'timeout'
  /** The client left before it was through, often a probe that only wants to see the port open. */
  | 'closed'
  /** Plain HTTP, or no protocol at all. */
  | 'not_tls'
  /** Only versions below minVersion, or no cipher in common. */
  | 'old_client'
  /** Only protocols other than http/1.1 (ALPN). */
  | 'no_protocol'
  | 'no_client_certificate'
  /** Unknown authority, expired, not meant for clients. */
  | 'bad_client_certificate'
  /** The client does not accept the gateway's certificate. */
  | 'refused_by_client'
  | 'other';

/** `code`: of the error that node reports. */
export function nameFailure(code: string): HandshakeFailure {
  const named = byCode[code];
  if (named !== undefined) return named;
  return /^ERR_SSL_(SSLV3|TLSV1|TLSV13|SSL\/TLS)_ALERT_/.test(code) ? 'refused_by_client' : 'other';
}

const byCode: Readonly<Record<string, HandshakeFailure>> = {
  ERR_TLS_HANDSHAKE_TIMEOUT: 'timeout',
  ECONNRESET: 'closed',
  EPIPE: 'closed',
  ERR_SSL_HTTP_REQUEST: 'not_tls',
  ERR_SSL_HTTPS_PROXY_REQUEST: 'not_tls',
  ERR_SSL_WRONG_VERSION_NUMBER: 'not_tls',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'not_tls',
  ERR_SSL_RECORD_LENGTH_MISMATCH: 'not_tls',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'old_client',
  ERR_SSL_VERSION_TOO_LOW: 'old_client',
  ERR_SSL_INAPPROPRIATE_FALLBACK: 'old_client',
  ERR_SSL_NO_SHARED_CIPHER: 'old_client',
  ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM: 'old_client',
  ERR_SSL_NO_APPLICATION_PROTOCOL: 'no_protocol',
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'no_client_certificate',
};
