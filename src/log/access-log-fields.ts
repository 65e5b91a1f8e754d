/** Every field of an access log line, for the documentation; a test holds it against what is written. */
export const accessLogFields = {
  level: 'pino’s number: 30 info, 40 warn (the exchange was cut), 50 error (5xx)',
  time: 'when the line was written, at the end of the exchange: milliseconds since 1970',
  worker: 'which worker served it',
  msg: 'always `request`',
  requestId: '`X-Request-Id` of request, upstream request and response',
  traceId: 'W3C trace id, 32 hex digits',
  spanId: 'of the request’s span, 16 hex digits; absent unless the trace is recorded',
  clientIp: 'the client’s address, after `proxy.trustedProxies`',
  method: 'as sent',
  host: 'host that the route was looked up by: lower case, no port',
  path: 'as sent; with the query only when `logging.query` is true',
  route: 'label of the route as in metrics; `none` without a route',
  status: 'sent to the client; 499 when the client left first, 0 when nothing was sent',
  code: 'why the gateway answered by itself, or cut the answer short; absent otherwise',
  error:
    'code of the error that ended the last try at the upstream (ECONNREFUSED, ENOTFOUND, UND_ERR_SOCKET, …), or which time was up: `SLUICE_DNS_TIMEOUT`, `ETIMEDOUT` (connect), `SLUICE_TRY_TIMEOUT`, `SLUICE_UPLOAD_TIMEOUT`, `SLUICE_EXCHANGE_TIMEOUT`, `SLUICE_IDLE_TIMEOUT`; absent without one',
  durationMs: 'from the request’s head to the end of the answer',
  upstream: 'its name; absent when none was chosen. With a fallback, who was asked last',
  fallbackFor: 'name of the upstream in whose place the fallback was asked; absent without one',
  target: '`host:port` of the upstream that was tried last; absent when none was tried',
  upstreamMs: 'of the last try, until its response head was complete or it failed; absent when none was tried',
  attempts: 'tries; absent when none',
  consumer: 'name of the authenticated client; absent without one',
  bytesIn: 'bytes of the request body that were read',
  bytesOut: 'bytes of the response body that were sent',
  aborted: '`true` when the exchange was cut before its end; absent otherwise',
  shadow: 'codes that policies in shadow mode would have refused with; absent when none',
  sampleRate: 'share of such lines that are written: each stands for 1/sampleRate requests',
} as const;

export type AccessLogField = keyof typeof accessLogFields;
