/** One entry of `routes` with its short forms written out. */
import type {
  CorsConfig,
  HeaderEditsConfig,
  HeaderPair,
  RespondConfig,
  RouteConfig,
  ValidateConfig,
} from '../contracts/config.ts';
import type { CheckedFile } from './check.ts';
import { locate } from './read.ts';
import { resolveLimit } from './resolve-limit.ts';
import type { RouteEntry } from './schema.ts';

export function resolveRoute({ file, source, attached }: CheckedFile, index: number): RouteConfig {
  const route = file.routes?.[index];
  if (route === undefined) throw new Error(`there is no route ${index}`);
  return {
    name: route.name ?? null,
    path: route.path,
    host: route.host?.toLowerCase() ?? null,
    methods: route.methods ?? null,
    headers: pairs(route.headers).map(({ name, value }) => ({ name: name.toLowerCase(), value })),
    upstreams: resolveUpstreams(route.upstream),
    sticky: route.sticky ?? null,
    fallback: route.fallback ?? null,
    auth: resolveAuth(route.auth),
    consumers: resolveConsumers(route.consumers),
    timeoutMs: route.timeout ?? null,
    tryTimeoutMs: route.tryTimeout ?? null,
    rateLimit: route.rateLimit === undefined ? null : resolveLimit(route.rateLimit),
    priority: route.priority ?? 'normal',
    stripPrefix: route.stripPrefix ?? null,
    rewrite: route.rewrite ?? null,
    requestHeaders: resolveEdits(route.request),
    responseHeaders: resolveEdits(route.response),
    validate: route.validate === undefined ? null : resolveValidate(route.validate, attached.schemas),
    maxBodyBytes: route.maxBodySize ?? null,
    cors: route.cors === undefined ? null : resolveCors(route.cors),
    respond: route.respond === undefined ? null : resolveRespond(route.respond),
    preserveHost: route.preserveHost ?? null,
    source: `${source.file}:${locate(source, ['routes', index]).line}`,
  };
}

function resolveUpstreams(upstream: RouteEntry['upstream']): RouteConfig['upstreams'] {
  if (upstream === undefined) return [];
  if (typeof upstream === 'string') return [{ name: upstream, weight: 1 }];
  return upstream.map(({ name, weight = 1 }) => ({ name, weight }));
}

function resolveAuth(auth: RouteEntry['auth']): RouteConfig['auth'] {
  if (auth === undefined) return null;
  if (typeof auth === 'string') return { require: auth, mode: 'enforce' };
  return { require: auth.require, mode: auth.mode ?? 'enforce' };
}

function resolveConsumers(consumers: RouteEntry['consumers']): RouteConfig['consumers'] {
  if (consumers === undefined) return null;
  if (Array.isArray(consumers)) return { allow: consumers, mode: 'enforce' };
  return { allow: consumers.allow, mode: consumers.mode ?? 'enforce' };
}

function resolveEdits(part: RouteEntry['request']): HeaderEditsConfig {
  const { set, add, remove = [] } = part?.headers ?? {};
  return { set: pairs(set), add: pairs(add), remove };
}

/** A schema that a file holds has been read already: workers touch no files. */
function resolveValidate(
  validate: NonNullable<RouteEntry['validate']>,
  schemas: ReadonlyMap<string, unknown>,
): ValidateConfig {
  const load = (schema: unknown): unknown => (typeof schema === 'string' ? schemas.get(schema) : schema) ?? null;
  return {
    contentTypes: (validate.contentTypes ?? []).map((type) => type.toLowerCase()),
    headers: load(validate.headers),
    query: load(validate.query),
    body: load(validate.body),
    mode: validate.mode ?? 'enforce',
  };
}

function resolveCors(cors: NonNullable<RouteEntry['cors']>): CorsConfig {
  return {
    origins: cors.origins ?? [],
    methods: cors.methods ?? [],
    headers: cors.headers ?? [],
    credentials: cors.credentials ?? false,
    maxAgeSeconds: cors.maxAge ?? 600,
  };
}

function resolveRespond(respond: NonNullable<RouteEntry['respond']>): RespondConfig {
  return { status: respond.status ?? 200, headers: pairs(respond.headers), body: respond.body ?? '' };
}

function pairs(map: Readonly<Record<string, string>> | undefined): HeaderPair[] {
  return Object.entries(map ?? {}).map(([name, value]) => ({ name, value }));
}
