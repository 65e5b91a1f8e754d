/** One entry of `upstreams` with its defaults filled in. */
import { resolve } from 'node:path';
import type {
  CircuitBreakerConfig,
  HealthCheckConfig,
  OutlierDetectionConfig,
  PemFile,
  RetryConfig,
  TargetConfig,
  UpstreamConfig,
  UpstreamTlsConfig,
} from '../contracts/config.ts';
import type { CheckedFile } from './check.ts';
import { formatPath } from './problem.ts';
import type { UpstreamEntry } from './schema.ts';

export function resolveUpstream({ file, source, attached }: CheckedFile, index: number): UpstreamConfig {
  const upstream = file.upstreams?.[index];
  if (upstream === undefined) throw new Error(`there is no upstream ${index}`);
  const readFile: ReadFile = (key, name) => {
    const pem = attached.pems.get(formatPath(['upstreams', index, 'tls', key]));
    return name === undefined || pem === undefined ? null : { file: resolve(source.folder, name), pem };
  };
  const balance = upstream.balance ?? 'least-requests';
  return {
    name: upstream.name,
    targets: resolveTargets(upstream),
    builtin: upstream.builtin ?? null,
    balance,
    hashOn: balance === 'consistent-hash' ? (upstream.hashOn ?? 'ip') : null,
    timeoutMs: upstream.timeout ?? 10_000,
    retries: resolveRetries(upstream.retries ?? 0),
    circuitBreaker: upstream.circuitBreaker === undefined ? null : resolveBreaker(upstream.circuitBreaker),
    healthCheck: upstream.healthCheck === undefined ? null : resolveHealthCheck(upstream.healthCheck),
    outlierDetection:
      upstream.outlierDetection === undefined ? null : resolveOutlierDetection(upstream.outlierDetection),
    slowStartMs: upstream.slowStart ?? 0,
    maxConnections: upstream.maxConnections ?? 256,
    maxPending: upstream.maxPending ?? 1_024,
    preserveHost: upstream.preserveHost ?? false,
    tls: upstream.tls === undefined ? null : resolveTls(upstream.tls, readFile),
  };
}

function resolveTargets({ url, targets }: UpstreamEntry): TargetConfig[] {
  const listed = targets ?? (url === undefined ? [] : [{ url }]);
  return listed.map((target) => ({ url: canonicalUrl(target.url), weight: target.weight ?? 1 }));
}

/** Host in lower case, no default port, and no slash at the end. */
function canonicalUrl(text: string): string {
  const url = new URL(text);
  return url.origin + url.pathname.replace(/\/+$/, '');
}

function resolveRetries(retries: NonNullable<UpstreamEntry['retries']>): RetryConfig {
  const rules = typeof retries === 'number' ? { attempts: retries } : retries;
  return {
    attempts: rules.attempts,
    on: rules.on ?? ['connect', 'reset', 'timeout', '502', '503', '504'],
    methods: rules.methods ?? ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'],
    backoff: { baseMs: rules.backoff?.base ?? 50, maxMs: rules.backoff?.max ?? 1_000 },
    budget: rules.budget ?? 0.2,
    maxBodyBytes: rules.maxBodySize ?? 64 * 1024,
  };
}

function resolveBreaker(breaker: NonNullable<UpstreamEntry['circuitBreaker']>): CircuitBreakerConfig {
  return {
    enabled: breaker.enabled ?? true,
    failureThreshold: breaker.failureThreshold ?? 50,
    minimumRequests: breaker.minimumRequests ?? 20,
    windowMs: breaker.window ?? 10_000,
    openDurationMs: breaker.openDuration ?? 30_000,
    failOn: breaker.failOn ?? ['connect', 'reset', 'timeout', 'protocol', '5xx'],
    mode: breaker.mode ?? 'enforce',
  };
}

function resolveHealthCheck(check: NonNullable<UpstreamEntry['healthCheck']>): HealthCheckConfig {
  return {
    path: check.path ?? '/healthz',
    intervalMs: check.interval ?? 10_000,
    timeoutMs: check.timeout ?? 2_000,
    healthy: check.healthy ?? 2,
    unhealthy: check.unhealthy ?? 3,
  };
}

export type ReadFile = (key: 'ca' | 'cert' | 'key', name: string | undefined) => PemFile | null;

function resolveOutlierDetection(detection: NonNullable<UpstreamEntry['outlierDetection']>): OutlierDetectionConfig {
  return {
    failures: detection.failures ?? 5,
    ejection: { baseMs: detection.ejection?.base ?? 30_000, maxMs: detection.ejection?.max ?? 300_000 },
    maxEjected: detection.maxEjected ?? 0.5,
  };
}

export function resolveTls(tls: NonNullable<UpstreamEntry['tls']>, read: ReadFile): UpstreamTlsConfig {
  return {
    ca: read('ca', tls.ca),
    cert: read('cert', tls.cert),
    key: read('key', tls.key),
    servername: tls.servername ?? null,
    verify: tls.verify ?? true,
  };
}
