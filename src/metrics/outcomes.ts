/** How a try at an upstream may end: the values of `upstream_requests_total{outcome}`. */
export const upstreamOutcomes = [
  /** A complete answer below 500, or an open tunnel. */
  'success',
  /** A complete answer of 500 or above. */
  'server_error',
  /** No connection: DNS, connect or TLS failed. */
  'unreachable',
  'reset',
  /** No response head in time. */
  'timeout',
  'protocol_error',
  /** The SSRF guard refused the address. */
  'blocked',
  /** The client left, or the exchange's own time was up: nobody's fault upstream. */
  'canceled',
] as const;

export type UpstreamOutcome = (typeof upstreamOutcomes)[number];
