/** The config in force as operators may see it: as the gateway understood it, without what is secret or may well be. */
import type {
  Config,
  ListenerTlsConfig,
  OtlpConfig,
  PemFile,
  RouteConfig,
  UpstreamConfig,
  UpstreamTlsConfig,
  ValidateConfig,
} from '../contracts/config.ts';
import type { ConfigParcel } from '../contracts/ipc.ts';
import { unpackConfig } from './parcel.ts';

/** Stands where a secret stands in the config; what is not configured stays `null`. */
export const hidden = '[redacted]';

/** JSON text, for a thread: 5,000 routes take their time. */
export async function renderConfig({
  version,
  file,
  parcel,
}: {
  version: number;
  file: string;
  parcel: ConfigParcel;
}): Promise<Uint8Array> {
  const config = redactConfig(await unpackConfig(parcel));
  return new TextEncoder().encode(`${JSON.stringify({ version, file, config }, null, 2)}\n`);
}

export function redactConfig(config: Config): Config {
  const { proxy, admin, security, rateLimit, telemetry } = config;
  const { redis } = rateLimit;
  return {
    ...config,
    proxy: { ...proxy, tls: redactTls(proxy.tls), traceToken: hide(proxy.traceToken) },
    admin: { ...admin, token: hide(admin.token) },
    security: { ...security, auth: redactAuth(security.auth) },
    rateLimit: {
      ...rateLimit,
      redis: {
        ...redis,
        url: hideInUrl(redis.url),
        sentinels: redis.sentinels.map(hideInUrl),
        cluster: redis.cluster.map(hideInUrl),
        tls: redactClientTls(redis.tls),
      },
    },
    upstreams: config.upstreams.map(redactUpstream),
    routes: config.routes.map(redactRoute),
    telemetry: {
      ...telemetry,
      otlp: telemetry.otlp === null ? null : redactOtlp(telemetry.otlp),
    },
  };
}

function redactOtlp(otlp: OtlpConfig): OtlpConfig {
  const headers = otlp.headers.map(({ name }) => ({ name, value: hidden }));
  return { ...otlp, url: hideInUrl(otlp.url), headers, tls: redactClientTls(otlp.tls) };
}

/** The digests too: a weak key can be guessed from its digest. */
function redactAuth(auth: Config['security']['auth']): Config['security']['auth'] {
  if (auth === null) return null;
  return { ...auth, secret: hide(auth.secret), keys: auth.keys.map(({ name }) => ({ key: hidden, name })) };
}

function redactUpstream(upstream: UpstreamConfig): UpstreamConfig {
  const { healthCheck, tls } = upstream;
  return {
    ...upstream,
    healthCheck: healthCheck === null ? null : { ...healthCheck, path: hideQuery(healthCheck.path) },
    tls: redactClientTls(tls),
  };
}

/** Of files with certificates and keys their names are enough. */
function redactClientTls(tls: UpstreamTlsConfig | null): UpstreamTlsConfig | null {
  return tls === null ? null : { ...tls, ca: hideFile(tls.ca), cert: hideFile(tls.cert), key: hideFile(tls.key) };
}

function redactTls(tls: ListenerTlsConfig | null): ListenerTlsConfig | null {
  if (tls === null) return null;
  const certificates = tls.certificates.map(({ cert, key }) => ({ cert: hideFile(cert), key: hideFile(key) }));
  return { ...tls, certificates, clientCa: hideFile(tls.clientCa) };
}

function hideFile<F extends PemFile | null>(file: F): F {
  return file === null ? file : { ...file, pem: hidden };
}

/** What a request must carry, or is given on its way, is where credentials stand; what clients get to see is no secret. */
function redactRoute(route: RouteConfig): RouteConfig {
  const { headers, requestHeaders, validate } = route;
  const hideValue = ({ name }: { readonly name: string }) => ({ name, value: hidden });
  return {
    ...route,
    headers: headers.map(hideValue),
    requestHeaders: {
      ...requestHeaders,
      set: requestHeaders.set.map(hideValue),
      add: requestHeaders.add.map(hideValue),
    },
    validate: validate === null ? null : redactValidate(validate),
  };
}

function redactValidate(validate: ValidateConfig): ValidateConfig {
  const { headers, query, body } = validate;
  return { ...validate, headers: hideValues(headers), query: hideValues(query), body: hideValues(body) };
}

/** The value that a schema asks for may be a secret that clients share, and its example one of theirs. */
const valueKeywords: ReadonlySet<string> = new Set(['const', 'enum', 'default', 'examples', 'example']);
/** The members of their objects are no keywords, but names: a property may be called `default`. */
const mapKeywords: ReadonlySet<string> = new Set([
  'properties',
  'patternProperties',
  '$defs',
  'definitions',
  'dependentSchemas',
  'dependencies',
]);

function hideValues(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(hideValues);
  return mapMembers(schema, (keyword, value) => {
    if (valueKeywords.has(keyword)) return hidden;
    return mapKeywords.has(keyword) ? mapMembers(value, (_, part) => hideValues(part)) : hideValues(value);
  });
}

/** What is no object stays as it is. */
function mapMembers(value: unknown, change: (name: string, member: unknown) => unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, change(name, member)]));
}

function hide(secret: string | null): string | null {
  return secret === null ? null : hidden;
}

/** User and password, and a query, which may hold a token. */
function hideInUrl(url: string): string {
  return hideQuery(url.replace(/\/\/.*@/, `//${hidden}@`));
}

function hideQuery(url: string): string {
  return url.replace(/\?.*$/, `?${hidden}`);
}
