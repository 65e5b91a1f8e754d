/**
 * From a resolved config to the one that requests read. The only file that knows every feature. It works in slices, so
 * that 5,000 routes are compiled between requests instead of before them.
 */
import { performance } from 'node:perf_hooks';
import { type Auth, compileAuth, compileConsumers } from '../auth/auth.ts';
import type { BodyChecks } from '../contracts/body-check.ts';
import type {
  CompiledConfig,
  CompiledRoute,
  ForwardAction,
  HeaderEdits,
  RespondAction,
} from '../contracts/compiled.ts';
import type { Config, HeaderEditsConfig, HeaderPair, RouteConfig } from '../contracts/config.ts';
import type { Exchange } from '../contracts/exchange.ts';
import type { Limiter } from '../contracts/limiter.ts';
import type { Upstream } from '../contracts/upstream.ts';
import { compileTrustedProxies } from '../core/client-address.ts';
import { hashText } from '../core/hash.ts';
import { compileHashKey } from '../core/hash-key.ts';
import { compileTraceToken } from '../core/trace-token.ts';
import { compileCors } from '../cors/cors.ts';
import { compileLimits, type Limits } from '../limit/limits.ts';
import { shedFrom } from '../overload/level.ts';
import { compilePathSet } from '../route/path-set.ts';
import { parsePathPattern } from '../route/pattern.ts';
import { compileRewrite } from '../route/rewrite.ts';
import { createRouteTable } from '../route/table.ts';
import type { Validators } from '../validate/validate.ts';
import { routeIdentity } from './describe.ts';

/** Requests get their turn again after so long, ms. A route takes microseconds, a large JSON Schema milliseconds. */
const sliceMs = 1;

/** Rejects with the place in the file when a route can't be compiled. `upstreams` by name. */
export async function compileConfig(
  config: Config,
  version: number,
  upstreams: ReadonlyMap<string, Upstream>,
  limiter: Limiter,
  bodyChecks: BodyChecks,
): Promise<CompiledConfig> {
  const auth = await compileAuth(config.security.auth, config.proxy.tls?.clientAuth ?? 'none');
  const limits = compileLimits(config.rateLimit, limiter, compilePathSet);
  const validators = await loadValidators(config, bodyChecks);
  const routes = createRouteTable<CompiledRoute>();
  let since = performance.now();
  for (const route of config.routes) {
    if (performance.now() - since > sliceMs) {
      await nextTurn();
      since = performance.now();
    }
    try {
      const compiled = compileRoute(route, config, auth, limits, validators, upstreams);
      routes.addRoute({ ...route, route: compiled });
    } catch (error) {
      throw new Error(`${route.source}: ${(error as Error).message}`, { cause: error });
    }
  }
  const { proxy } = config;
  return {
    version,
    routes,
    maxHeaders: proxy.maxHeaders,
    maxHeaderBytes: proxy.maxHeaderBytes,
    maxUrlBytes: proxy.maxUrlBytes,
    idleMs: proxy.timeouts.idleMs,
    isTrusted: compileTrustedProxies(proxy.trustedProxies),
    showsTraceToken: compileTraceToken(proxy.traceToken),
    keyField: auth.keyField,
    overloadMode: config.overload.mode,
    endpoints: proxy.endpoints,
  };
}

function compileRoute(
  route: RouteConfig,
  config: Config,
  auth: Auth,
  limits: Limits,
  validators: Validators | null,
  upstreams: ReadonlyMap<string, Upstream>,
): CompiledRoute {
  const responseHeaders = compileEdits(route.responseHeaders);
  return {
    label: labelOf(route),
    path: route.path,
    priority: route.priority,
    shedFrom: shedFrom[route.priority],
    auth: auth.stageOf(route),
    consumers: compileConsumers(route.consumers),
    limits: limits.ofRoute(route.rateLimit, routeIdentity(route)),
    validate: validators?.ofRoute(route.validate) ?? null,
    action: route.respond === null ? compileForward(route, upstreams) : compileRespond(route.respond, responseHeaders),
    timeoutMs: route.timeoutMs ?? config.proxy.timeoutMs,
    maxBodyBytes: route.maxBodyBytes ?? config.proxy.maxBodyBytes,
    cors: route.cors === null ? null : compileCors(route.cors),
    requestHeaders: compileEdits(route.requestHeaders),
    responseHeaders,
  };
}

/** Where no route asks for it, workers do without the code: it takes a tenth of a second and 15 MB to load. */
async function loadValidators(config: Config, bodyChecks: BodyChecks): Promise<Validators | null> {
  if (config.routes.every(({ validate }) => validate === null)) return null;
  const { createValidators } = await import('../validate/validate.ts');
  return createValidators(bodyChecks);
}

/** The label of a route in metrics and logs: never a raw path. */
export function labelOf(route: Pick<RouteConfig, 'name' | 'host' | 'path'>): string {
  return route.name ?? `${route.host ?? ''}${route.path}`;
}

function compileForward(route: RouteConfig, upstreams: ReadonlyMap<string, Upstream>): ForwardAction {
  const named = (name: string): Upstream => {
    const upstream = upstreams.get(name);
    if (upstream === undefined) throw new Error(`"${name}" is not an upstream`);
    return upstream;
  };
  const weighted = route.upstreams.map(({ name, weight }) => ({ upstream: named(name), weight }));
  return {
    kind: 'forward',
    upstreams: weighted,
    totalWeight: weighted.reduce((sum, { weight }) => sum + weight, 0),
    sticky: route.sticky === null || weighted.length === 1 ? null : compileSticky(route.sticky),
    fallback: route.fallback === null ? null : named(route.fallback),
    tryTimeoutMs: route.tryTimeoutMs ?? route.timeoutMs,
    rewritePath: compileRewrite(parsePathPattern(route.path), route.stripPrefix, route.rewrite),
    preserveHost: route.preserveHost,
  };
}

/** The same on all routes, so that a client meets the new version everywhere or nowhere. */
function compileSticky(selector: string): (x: Exchange) => number {
  const keyOf = compileHashKey(selector);
  return (x) => hashText(keyOf(x), stickySeed) / 2 ** 32;
}

/** Else the clients of one upstream would be neighbours on the ring of its targets. */
const stickySeed = 2;

/** The edits of an answer that is always the same are made once. */
function compileRespond(respond: NonNullable<RouteConfig['respond']>, edits: HeaderEdits | null): RespondAction {
  const kept = respond.headers.filter(({ name }) => !edits?.remove.has(name.toLowerCase()));
  return {
    kind: 'respond',
    status: respond.status,
    headers: [...flatten(kept), ...(edits?.set ?? []), ...(edits?.add ?? [])],
    body: Buffer.from(respond.body),
  };
}

function compileEdits({ set, add, remove }: HeaderEditsConfig): HeaderEdits | null {
  if (set.length + add.length + remove.length === 0) return null;
  // What is set replaces what came.
  const removed = new Set([...remove, ...set.map(({ name }) => name)].map((name) => name.toLowerCase()));
  return { remove: removed, set: flatten(set), add: flatten(add) };
}

function flatten(pairs: readonly HeaderPair[]): string[] {
  return pairs.flatMap(({ name, value }) => [name, value]);
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
