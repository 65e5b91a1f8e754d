/** What a new config changes, in lines for the log: keys and names only, never values, which may be secret. */
import type { Config, RouteConfig, UpstreamConfig } from '../contracts/config.ts';

export interface ConfigChanges {
  /** `route users changed: timeout, rateLimit` */
  readonly changes: readonly string[];
}

export function describeChanges(old: Config, next: Config): ConfigChanges {
  return {
    changes: [
      ...describeSections(old, next),
      ...describeList('upstream', byIdentity(old.upstreams, nameOf), byIdentity(next.upstreams, nameOf)),
      ...describeList('route', byIdentity(old.routes, routeIdentity), byIdentity(next.routes, routeIdentity)),
    ],
  };
}

/** The route's name, else host and path: as in metrics and logs. */
export function routeLabel({ name, host, path }: RouteConfig): string {
  return name ?? `${host ?? ''}${path}`;
}

type Fixed = Pick<Config, 'proxy' | 'admin'>;

/** The keys that a process which began with `started` can't take up from `next`: `proxy.port`. */
export function findRestarts(started: Fixed, next: Fixed): string[] {
  const changed: string[] = [];
  if (started.proxy.host !== next.proxy.host) changed.push('proxy.host');
  if (started.proxy.port !== next.proxy.port) changed.push('proxy.port');
  if (started.proxy.workers !== next.proxy.workers) changed.push('proxy.workers');
  if (!isSame(started.admin, next.admin)) changed.push('admin');
  return changed;
}

const sections = ['proxy', 'admin', 'security', 'rateLimit', 'overload', 'logging', 'telemetry'] as const;

function describeSections(old: Config, next: Config): string[] {
  return sections.flatMap((section) => {
    const keys = changedKeys(old[section], next[section]);
    return keys.length === 0 ? [] : [`${section} changed: ${keys.join(', ')}`];
  });
}

function describeList(kind: string, old: ReadonlyMap<string, object>, next: ReadonlyMap<string, object>): string[] {
  const lines: string[] = [];
  for (const id of old.keys()) if (!next.has(id)) lines.push(`${kind} ${id} removed`);
  for (const [id, value] of next) {
    const before = old.get(id);
    const keys = before === undefined ? [] : changedKeys(before, value);
    if (before === undefined) lines.push(`${kind} ${id} added`);
    else if (keys.length > 0) lines.push(`${kind} ${id} changed: ${keys.join(', ')}`);
  }
  if (orderChanged([...old.keys()], [...next.keys()])) lines.push(`${kind}s changed: their order`);
  return lines;
}

function orderChanged(old: readonly string[], next: readonly string[]): boolean {
  const before = new Set(old);
  const after = new Set(next);
  const kept = old.filter((id) => after.has(id));
  return next.filter((id) => before.has(id)).some((id, i) => kept[i] !== id);
}

/** Names are unique; of routes without one, those that are equal in everything else are counted. */
function byIdentity<T extends object>(items: readonly T[], identify: (item: T) => string): Map<string, T> {
  const found = new Map<string, T>();
  for (const item of items) {
    const id = identify(item);
    let unique = id;
    for (let i = 2; found.has(unique); i++) unique = `${id} (${i})`;
    found.set(unique, item);
  }
  return found;
}

function nameOf({ name }: UpstreamConfig): string {
  return name;
}

/** Tells a route apart from all others, in each version of the config. */
export function routeIdentity(route: RouteConfig): string {
  const methods = route.methods === null ? '' : ` ${route.methods.join(',')}`;
  const headers = route.headers.map(({ name, value }) => ` ${name}=${value}`).join('');
  return route.name ?? `${routeLabel(route)}${methods}${headers}`;
}

/** As the file calls them, sorted as there. */
function changedKeys(old: object, next: object): string[] {
  const before = old as Readonly<Record<string, unknown>>;
  return Object.entries(next).flatMap(([key, value]) =>
    key === 'source' || isSame(before[key], value) ? [] : [keysInFile[key] ?? key.replace(/(Ms|Bytes)$/, '')],
  );
}

const keysInFile: Readonly<Record<string, string>> = {
  maxBodyBytes: 'maxBodySize',
  maxHeaderBytes: 'maxHeaderSize',
  maxUrlBytes: 'maxUrlLength',
  maxEventLoopDelayMs: 'maxEventLoopDelay',
  requestHeaders: 'request.headers',
  responseHeaders: 'response.headers',
  upstreams: 'upstream',
  targets: 'url',
};

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
