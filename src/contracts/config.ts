/**
 * The resolved config: what the YAML file means once units, environment references, defaults and short forms are
 * settled. Plain data that travels by IPC. Times are integer milliseconds (0: none), sizes integer bytes; `null`
 * means "not configured".
 */

export interface Config {
  readonly proxy: ProxyConfig;
  readonly admin: AdminConfig;
  readonly security: SecurityConfig;
  readonly rateLimit: RateLimitConfig;
  readonly upstreams: readonly UpstreamConfig[];
  readonly routes: readonly RouteConfig[];
  readonly overload: OverloadConfig;
  readonly logging: LoggingConfig;
  readonly telemetry: TelemetryConfig;
}

export type Mode = 'enforce' | 'shadow';

/** Who is turned away first under overload. */
export type Priority = 'low' | 'normal' | 'high';

export interface ProxyConfig {
  readonly host: string;
  readonly port: number;
  /** Already resolved: `auto` has become a number. */
  readonly workers: number;
  readonly timeoutMs: number;
  readonly maxBodyBytes: number;
  readonly maxHeaderBytes: number;
  readonly maxHeaders: number;
  readonly maxUrlBytes: number;
  readonly trustedProxies: readonly string[];
  readonly timeouts: {
    readonly connectMs: number;
    readonly dnsMs: number;
    readonly headersMs: number;
    readonly idleMs: number;
  };
  /** `address` or `address:port`; empty: the system resolves names. */
  readonly dns: { readonly servers: readonly string[] };
  readonly limits: { readonly maxConnections: number; readonly maxConnectionsPerIp: number };
  readonly shutdown: { readonly delayMs: number; readonly timeoutMs: number };
  readonly endpoints: { readonly health: boolean; readonly metrics: boolean };
  readonly tls: ListenerTlsConfig | null;
  readonly traceToken: string | null;
}

export interface ListenerTlsConfig {
  readonly certificates: readonly { readonly cert: PemFile; readonly key: PemFile }[];
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  readonly clientCa: PemFile | null;
  readonly clientAuth: 'none' | 'optional' | 'required';
}

export interface AdminConfig {
  readonly host: string;
  /** 0: off. */
  readonly port: number;
  readonly token: string | null;
}

export interface SecurityConfig {
  readonly allowedHosts: readonly string[];
  readonly blockedIPs: readonly string[];
  readonly auth: AuthConfig | null;
}

export type AuthRequirement = 'none' | 'optional' | 'required';

/** How clients show who they are: one variant for each way. */
export type AuthConfig = ApiKeyAuthConfig;

export interface ApiKeyAuthConfig {
  readonly type: 'apiKey';
  readonly header: string;
  readonly secret: string | null;
  readonly keys: readonly { readonly key: string; readonly name: string }[];
  readonly keysFile: string | null;
  readonly default: AuthRequirement;
  readonly mode: Mode;
}

export interface RateLimitConfig {
  readonly backend: 'memory' | 'redis';
  readonly redis: RedisConfig;
  readonly global: LimitConfig | null;
  readonly perRoute: readonly (LimitConfig & { readonly path: string })[];
}

export interface RedisConfig {
  readonly url: string;
  readonly onError: 'local' | 'open' | 'closed';
  readonly sentinels: readonly string[];
  readonly sentinelName: string | null;
  readonly cluster: readonly string[];
  /** Of the names of all keys, without the colon behind it. */
  readonly prefix: string;
  readonly tls: UpstreamTlsConfig | null;
}

export interface LimitConfig {
  readonly max: number;
  readonly windowMs: number;
  /** client | ip | consumer | all | header:NAME */
  readonly key: string;
  readonly message: string | null;
  readonly mode: Mode;
}

export interface UpstreamConfig {
  readonly name: string;
  /** Empty for a builtin. A plain `url` has become one target of weight 1. */
  readonly targets: readonly TargetConfig[];
  readonly builtin: 'echo' | null;
  /** least-requests | round-robin | random | consistent-hash */
  readonly balance: 'least-requests' | 'round-robin' | 'random' | 'consistent-hash';
  readonly hashOn: string | null;
  readonly timeoutMs: number;
  readonly retries: RetryConfig;
  readonly circuitBreaker: CircuitBreakerConfig | null;
  readonly healthCheck: HealthCheckConfig | null;
  readonly outlierDetection: OutlierDetectionConfig | null;
  /** 0: a target that comes back gets its full share at once. */
  readonly slowStartMs: number;
  readonly maxConnections: number;
  readonly maxPending: number;
  readonly preserveHost: boolean;
  readonly tls: UpstreamTlsConfig | null;
}

export interface TargetConfig {
  /** Origin, or origin and base path: `http://host:port` or `https://host/base`. Base path has no trailing slash. */
  readonly url: string;
  readonly weight: number;
}

export interface RetryConfig {
  readonly attempts: number;
  readonly on: readonly string[];
  readonly methods: readonly string[];
  readonly backoff: { readonly baseMs: number; readonly maxMs: number };
  /** Share of the requests in flight, 0 to 1. */
  readonly budget: number;
  readonly maxBodyBytes: number;
}

export interface CircuitBreakerConfig {
  readonly enabled: boolean;
  readonly failureThreshold: number;
  readonly minimumRequests: number;
  readonly windowMs: number;
  readonly openDurationMs: number;
  /** connect | reset | timeout | protocol | 5xx | a status */
  readonly failOn: readonly string[];
  readonly mode: Mode;
}

export interface HealthCheckConfig {
  readonly path: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly healthy: number;
  readonly unhealthy: number;
}

export interface OutlierDetectionConfig {
  /** In a row, seen by one worker. */
  readonly failures: number;
  readonly ejection: { readonly baseMs: number; readonly maxMs: number };
  /** Share of the targets, 0 to 1. */
  readonly maxEjected: number;
}

export interface UpstreamTlsConfig {
  /** Null: the system's authorities. */
  readonly ca: PemFile | null;
  readonly cert: PemFile | null;
  readonly key: PemFile | null;
  readonly servername: string | null;
  readonly verify: boolean;
}

/** A file as it was when the config was read: all workers use the same, and a file that changed makes another config. */
export interface PemFile {
  /** Absolute. */
  readonly file: string;
  readonly pem: string;
}

export interface RouteConfig {
  readonly name: string | null;
  readonly path: string;
  readonly host: string | null;
  /** Upper case, as written, without the implied HEAD; `null`: all. */
  readonly methods: readonly string[] | null;
  /** Lower-case names; all must match. Empty: none. */
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  /** Empty when `respond` answers. A plain name has become one entry of weight 1. */
  readonly upstreams: readonly { readonly name: string; readonly weight: number }[];
  /** ip | consumer | header:NAME; `null`: each request is drawn anew. */
  readonly sticky: string | null;
  readonly fallback: string | null;
  /** `null`: security.auth.default. */
  readonly auth: { readonly require: AuthRequirement; readonly mode: Mode } | null;
  readonly consumers: { readonly allow: readonly string[]; readonly mode: Mode } | null;
  readonly timeoutMs: number | null;
  readonly tryTimeoutMs: number | null;
  readonly rateLimit: LimitConfig | null;
  readonly priority: Priority;
  readonly stripPrefix: string | null;
  readonly rewrite: string | null;
  readonly requestHeaders: HeaderEditsConfig;
  readonly responseHeaders: HeaderEditsConfig;
  readonly validate: ValidateConfig | null;
  readonly maxBodyBytes: number | null;
  readonly cors: CorsConfig | null;
  readonly respond: RespondConfig | null;
  /** `null`: the upstream's. */
  readonly preserveHost: boolean | null;
  /** Where the route stands in the file, for messages: `config/proxy.yml:41`. */
  readonly source: string;
}

export interface HeaderEditsConfig {
  readonly set: readonly HeaderPair[];
  readonly add: readonly HeaderPair[];
  readonly remove: readonly string[];
}

export interface HeaderPair {
  readonly name: string;
  readonly value: string;
}

export interface ValidateConfig {
  readonly contentTypes: readonly string[];
  readonly headers: unknown;
  readonly query: unknown;
  readonly body: unknown;
  readonly mode: Mode;
}

export interface CorsConfig {
  readonly origins: readonly string[];
  readonly methods: readonly string[];
  readonly headers: readonly string[];
  readonly credentials: boolean;
  readonly maxAgeSeconds: number;
}

export interface RespondConfig {
  readonly status: number;
  readonly headers: readonly HeaderPair[];
  readonly body: string;
}

export interface OverloadConfig {
  /** False: the section is absent and the defaults stand. */
  readonly configured: boolean;
  readonly maxConcurrent: number;
  readonly maxEventLoopDelayMs: number;
  /** Share of the container's memory, 0 to 1. */
  readonly maxMemory: number;
  readonly adaptive: boolean;
  readonly mode: Mode;
}

export interface LoggingConfig {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
  /** `null`: pretty on a terminal, else json. */
  readonly format: 'json' | 'pretty' | null;
  readonly query: boolean;
  readonly sampling: { readonly successRate: number; readonly errorRate: number };
}

export interface TelemetryConfig {
  readonly otlp: OtlpConfig | null;
}

export interface OtlpConfig {
  /** Of the collector: `/v1/traces` and its like are appended. */
  readonly url: string;
  /** 0 to 1 */
  readonly sampleRatio: number;
  readonly traces: boolean;
  readonly metrics: boolean;
  readonly logs: boolean;
  readonly headers: readonly HeaderPair[];
  readonly intervalMs: number;
  readonly metricsIntervalMs: number;
  readonly timeoutMs: number;
  readonly compression: 'none' | 'gzip';
  readonly tls: UpstreamTlsConfig | null;
}
