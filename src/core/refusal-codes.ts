/** Every code of a refusal: what it is answered with, what it says, and where whoever is asked about one looks first. */
import type { RefusalCode } from '../contracts/refusal.ts';

export interface RefusalMeaning {
  readonly status: number;
  /** For docs/observability.md, as `lookAt`. */
  readonly means: string;
  readonly lookAt: string;
}

export const refusalCodes: { readonly [C in RefusalCode]: RefusalMeaning } = {
  bad_request: {
    status: 400,
    means: 'malformed, or to be read in two ways',
    lookAt: '`detail` of the answer; the client’s library, or a proxy in front',
  },
  validation_failed: {
    status: 400,
    means: 'fields, query or body do not fit the route’s `validate`',
    lookAt: '`errors` of the answer',
  },
  unauthorized: {
    status: 401,
    means: 'no key, an unknown one, or two',
    lookAt: '`auth_failures_total{reason}` of the route',
  },
  forbidden: {
    status: 403,
    means: 'the consumer is not one of the route’s `consumers`',
    lookAt: '`consumer` and `route` of the log line',
  },
  no_route: {
    status: 404,
    means: 'no route for this host, path and header fields',
    lookAt: '`host` and `path` of the log line, beside the routes of `GET /config`',
  },
  method_not_allowed: {
    status: 405,
    means: 'a route would have it, but for the method',
    lookAt: '`Allow` of the answer; `methods` of the route',
  },
  request_timeout: {
    status: 408,
    means: 'the client sends its head or body too slowly',
    lookAt: '`bytesIn` of the log line; `proxy.timeouts`',
  },
  body_too_large: {
    status: 413,
    means: 'the body is larger than `maxBodySize`',
    lookAt: '`maxBodySize` of the route, or of `proxy`',
  },
  uri_too_long: { status: 414, means: 'the target is longer than `proxy.maxUrlLength`', lookAt: 'the client' },
  unsupported_media_type: {
    status: 415,
    means: 'a media type, charset or coding that the route does not take',
    lookAt: '`Accept` or `Accept-Encoding` of the answer',
  },
  rate_limited: {
    status: 429,
    means: 'a limit is used up',
    lookAt:
      '`RateLimit` and `RateLimit-Policy` of the answer say which; `clientIp` or `consumer` of the log line, whose',
  },
  headers_too_large: {
    status: 431,
    means: 'too many header fields, or too large ones',
    lookAt: '`proxy.maxHeaderSize`, `proxy.maxHeaders`; cookies that have grown',
  },
  upstream_unreachable: {
    status: 502,
    means: 'no connection to the upstream: DNS, connect or TLS failed',
    lookAt: '`error` and `target` of the log line; `GET /health/deep`',
  },
  upstream_reset: {
    status: 502,
    means: 'the upstream closed the connection before its answer was complete',
    lookAt: '`target` of the log line; that server’s own log at this time',
  },
  upstream_protocol_error: {
    status: 502,
    means: 'the upstream’s answer is not valid HTTP/1.1',
    lookAt: '`error` and `target` of the log line; is that port HTTP, and not HTTPS?',
  },
  upstream_blocked: {
    status: 502,
    means: 'the upstream’s host or address may not be connected to',
    lookAt: 'the warning `upstream blocked` in the log; `security.allowedHosts`, `security.blockedIPs`',
  },
  circuit_open: {
    status: 503,
    means: 'the upstream’s circuit breaker is open',
    lookAt: 'the warning `circuit breaker` in the log; `upstream_requests_total{outcome}` before it',
  },
  no_healthy_target: {
    status: 503,
    means: 'no target of the upstream is usable',
    lookAt: '`upstream_target_healthy`; the warnings `target is unhealthy` and `target is ejected` in the log',
  },
  overloaded: {
    status: 503,
    means: 'the worker, the upstream’s queue or the threads have too much to do',
    lookAt: '`overload_pressure{cause}`, `shed_requests_total`; `detail` of the answer',
  },
  draining: {
    status: 503,
    means: 'the gateway shut down before the answer was complete',
    lookAt: '`proxy.shutdown.timeout`; what took the request so long',
  },
  rate_limiter_unavailable: {
    status: 503,
    means: 'Redis is away, and `onError` is `closed`',
    lookAt: '`redis_up`; the warning `Redis is away` in the log',
  },
  upstream_timeout: {
    status: 504,
    means: 'the upstream, or the exchange as a whole, took too long',
    lookAt: '`error` of the log line says which time was up; `upstreamMs`, `attempts`',
  },
};
