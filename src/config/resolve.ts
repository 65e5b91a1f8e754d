/** The checked file as the contract's `Config`: defaults filled in, short forms written out, paths made absolute. */
import { resolve } from 'node:path';
import type {
  AdminConfig,
  ApiKeyAuthConfig,
  Config,
  LoggingConfig,
  OverloadConfig,
  PemFile,
  ProxyConfig,
  RateLimitConfig,
  SecurityConfig,
  TelemetryConfig,
} from '../contracts/config.ts';
import { countWorkers, readCpuLimit, readMemoryLimit } from '../core/container.ts';
import { parsePercent, parseSize } from '../core/units.ts';
import type { CheckedFile } from './check.ts';
import type { Environment } from './interpolate.ts';
import { formatPath, type KeyPath } from './problem.ts';
import { resolveLimit } from './resolve-limit.ts';
import { resolveRoute } from './resolve-route.ts';
import { type ReadFile, resolveTls, resolveUpstream } from './resolve-upstream.ts';
import type { ConfigFile } from './schema.ts';

/** `environment`: for REDIS_URL. */
export function resolveConfig(checked: CheckedFile, environment: Environment): Config {
  const { file, source } = checked;
  const path = (name: string): string => resolve(source.folder, name);
  return {
    proxy: resolveProxy(file.proxy ?? {}, pemReader(checked)),
    admin: resolveAdmin(file.admin ?? {}),
    security: resolveSecurity(checked, path),
    rateLimit: resolveRateLimit(file.rateLimit ?? {}, environment, pemReader(checked)),
    upstreams: (file.upstreams ?? []).map((_, i) => resolveUpstream(checked, i)),
    routes: (file.routes ?? []).map((_, i) => resolveRoute(checked, i)),
    overload: resolveOverload(file.overload ?? null),
    logging: resolveLogging(file.logging ?? {}),
    telemetry: resolveTelemetry(file.telemetry ?? {}, pemReader(checked)),
  };
}

type Section<K extends keyof ConfigFile> = NonNullable<ConfigFile[K]>;

function resolveProxy(proxy: Section<'proxy'>, read: PemReader): ProxyConfig {
  const { workers = 'auto', timeouts = {}, dns = {}, limits = {}, shutdown = {}, endpoints = {} } = proxy;
  return {
    host: proxy.host ?? '0.0.0.0',
    port: proxy.port ?? 3000,
    workers: workers === 'auto' ? countWorkers(readCpuLimit(), readMemoryLimit()) : workers,
    timeoutMs: proxy.timeout ?? 30_000,
    maxBodyBytes: proxy.maxBodySize ?? bytes('10mb'),
    maxHeaderBytes: proxy.maxHeaderSize ?? bytes('16kb'),
    maxHeaders: proxy.maxHeaders ?? 100,
    maxUrlBytes: proxy.maxUrlLength ?? bytes('8kb'),
    trustedProxies: proxy.trustedProxies ?? [],
    timeouts: {
      connectMs: timeouts.connect ?? 3_000,
      dnsMs: timeouts.dns ?? 2_000,
      headersMs: timeouts.headers ?? 10_000,
      idleMs: timeouts.idle ?? 65_000,
    },
    dns: { servers: dns.servers ?? [] },
    limits: {
      maxConnections: limits.maxConnections ?? 10_000,
      maxConnectionsPerIp: limits.maxConnectionsPerIp ?? 0,
    },
    shutdown: { delayMs: shutdown.delay ?? 5_000, timeoutMs: shutdown.timeout ?? 20_000 },
    endpoints: { health: endpoints.health ?? true, metrics: endpoints.metrics ?? true },
    tls: proxy.tls === undefined ? null : resolveListenerTls(proxy.tls, read),
    traceToken: proxy.traceToken ?? null,
  };
}

type PemReader = (name: string, path: KeyPath) => PemFile;

/** What the checks have read and found good. */
function pemReader({ source, attached }: CheckedFile): PemReader {
  return (name, path) => ({ file: resolve(source.folder, name), pem: attached.pems.get(formatPath(path)) ?? '' });
}

function resolveListenerTls(
  tls: NonNullable<Section<'proxy'>['tls']>,
  read: PemReader,
): NonNullable<ProxyConfig['tls']> {
  return {
    certificates: tls.certificates.map(({ cert, key }, i) => ({
      cert: read(cert, ['proxy', 'tls', 'certificates', i, 'cert']),
      key: read(key, ['proxy', 'tls', 'certificates', i, 'key']),
    })),
    minVersion: tls.minVersion ?? 'TLSv1.2',
    clientCa: tls.clientCa === undefined ? null : read(tls.clientCa, ['proxy', 'tls', 'clientCa']),
    clientAuth: tls.clientAuth ?? 'none',
  };
}

function resolveAdmin(admin: Section<'admin'>): AdminConfig {
  return { host: admin.host ?? '127.0.0.1', port: admin.port ?? 9901, token: admin.token ?? null };
}

function resolveSecurity({ file, attached }: CheckedFile, path: (name: string) => string): SecurityConfig {
  const security = file.security ?? {};
  return {
    allowedHosts: (security.allowedHosts ?? []).map((host) => host.toLowerCase()),
    blockedIPs: security.blockedIPs ?? [],
    auth: security.auth === undefined ? null : resolveAuth(security.auth, attached.keys, path),
  };
}

function resolveAuth(
  auth: NonNullable<Section<'security'>['auth']>,
  moreKeys: ApiKeyAuthConfig['keys'],
  path: (name: string) => string,
): ApiKeyAuthConfig {
  return {
    type: auth.type,
    header: auth.header ?? 'X-API-Key',
    secret: auth.secret ?? null,
    keys: [...(auth.keys ?? []), ...moreKeys].map(({ key, name }) => ({ key: key.toLowerCase(), name })),
    keysFile: auth.keysFile === undefined ? null : path(auth.keysFile),
    default: auth.default ?? 'none',
    mode: auth.mode ?? 'enforce',
  };
}

function resolveRateLimit(rateLimit: Section<'rateLimit'>, environment: Environment, read: PemReader): RateLimitConfig {
  const { redis = {}, global, perRoute = [], mode = 'enforce' } = rateLimit;
  const sentinels = redis.sentinels ?? [];
  const readRedisFile: ReadFile = (key, name) =>
    name === undefined ? null : read(name, ['rateLimit', 'redis', 'tls', key]);
  return {
    backend: rateLimit.backend ?? 'memory',
    redis: {
      // Empty counts as unset, as a variable left blank in a container's settings does.
      url: (environment['REDIS_URL'] || redis.url) ?? 'redis://localhost:6379',
      onError: redis.onError ?? 'local',
      sentinels,
      sentinelName: sentinels.length === 0 ? null : (redis.sentinelName ?? 'mymaster'),
      cluster: redis.cluster ?? [],
      prefix: redis.prefix ?? 'sluice',
      tls: redis.tls === undefined ? null : resolveTls(redis.tls, readRedisFile),
    },
    global: global === undefined ? null : resolveLimit(global, mode),
    perRoute: perRoute.map((limit) => ({ ...resolveLimit(limit, mode), path: limit.path })),
  };
}

function resolveOverload(section: Section<'overload'> | null): OverloadConfig {
  const overload = section ?? {};
  return {
    configured: section !== null,
    maxConcurrent: overload.maxConcurrent ?? 1_000,
    maxEventLoopDelayMs: overload.maxEventLoopDelay ?? 200,
    maxMemory: overload.maxMemory ?? percent('90%'),
    adaptive: overload.adaptive ?? false,
    mode: overload.mode ?? 'enforce',
  };
}

function resolveLogging(logging: Section<'logging'>): LoggingConfig {
  return {
    level: logging.level ?? 'info',
    format: logging.format ?? null,
    query: logging.query ?? false,
    sampling: {
      successRate: logging.sampling?.successRate ?? 1,
      errorRate: logging.sampling?.errorRate ?? 1,
    },
  };
}

function resolveTelemetry({ otlp }: Section<'telemetry'>, read: PemReader): TelemetryConfig {
  if (otlp === undefined) return { otlp: null };
  const readFile: ReadFile = (key, name) => (name === undefined ? null : read(name, ['telemetry', 'otlp', 'tls', key]));
  return {
    otlp: {
      url: otlp.url,
      sampleRatio: otlp.sampleRatio ?? 0.1,
      traces: otlp.traces ?? true,
      metrics: otlp.metrics ?? true,
      logs: otlp.logs ?? true,
      headers: Object.entries(otlp.headers ?? {}).map(([name, value]) => ({ name, value })),
      intervalMs: otlp.interval ?? 1_000,
      metricsIntervalMs: otlp.metricsInterval ?? 15_000,
      timeoutMs: otlp.timeout ?? 5_000,
      compression: otlp.compression ?? 'none',
      tls: otlp.tls === undefined ? null : resolveTls(otlp.tls, readFile),
    },
  };
}

function bytes(text: string): number {
  return parseSize(text) ?? Number.NaN;
}

function percent(text: string): number {
  return parsePercent(text) ?? Number.NaN;
}
