/** The routes in force in the order of the file, each with its policies in words, as JSON. For a thread. */
import type { LimitConfig, Mode, RouteConfig } from '../contracts/config.ts';
import type { ConfigParcel } from '../contracts/ipc.ts';
import { formatDuration, formatSize } from '../core/units.ts';
import { routeLabel } from './describe.ts';
import { unpackConfig } from './parcel.ts';

export async function renderRoutes({
  version,
  parcel,
}: {
  version: number;
  parcel: ConfigParcel;
}): Promise<Uint8Array> {
  const { routes, security } = await unpackConfig(parcel);
  const authDefault = security.auth?.default ?? 'none';
  const listed = routes.map((route) => describeRoute(route, authDefault));
  return new TextEncoder().encode(`${JSON.stringify({ version, routes: listed }, null, 2)}\n`);
}

function describeRoute(route: RouteConfig, authDefault: string): object {
  const { path, host, methods, headers, upstreams, fallback, respond, source } = route;
  return {
    route: routeLabel(route),
    path,
    host,
    methods,
    // Their values may be secrets.
    headers: headers.map(({ name }) => name),
    upstreams: upstreams.map(({ name, weight }) => ({ name, weight })),
    fallback,
    respond: respond === null ? null : respond.status,
    policies: describePolicies(route, authDefault),
    source,
  };
}

/** `rateLimit: 100 in 1m by client`; of values only numbers and names that metrics show as well. */
function describePolicies(route: RouteConfig, authDefault: string): string[] {
  const { auth, consumers, rateLimit, validate, cors, timeoutMs, maxBodyBytes, priority } = route;
  const require = auth?.require ?? authDefault;
  return [
    ...(require === 'none' ? [] : [`auth: ${require}${inMode(auth?.mode)}`]),
    ...(consumers === null ? [] : [`consumers: ${consumers.allow.join(', ')}${inMode(consumers.mode)}`]),
    ...(rateLimit === null ? [] : [`rateLimit: ${describeLimit(rateLimit)}`]),
    ...(validate === null ? [] : [`validate: ${describeParts(validate)}${inMode(validate.mode)}`]),
    ...(cors === null ? [] : [`cors: ${cors.origins.join(', ')}`]),
    ...(timeoutMs === null ? [] : [`timeout: ${formatDuration(timeoutMs)}`]),
    ...(maxBodyBytes === null ? [] : [`maxBodySize: ${formatSize(maxBodyBytes)}`]),
    ...(priority === 'normal' ? [] : [`priority: ${priority}`]),
  ];
}

function describeLimit({ max, windowMs, key, mode }: LimitConfig): string {
  return `${max} in ${formatDuration(windowMs)} by ${key}${inMode(mode)}`;
}

function describeParts({ contentTypes, headers, query, body }: NonNullable<RouteConfig['validate']>): string {
  const parts = Object.entries({ headers, query, body }).flatMap(([part, schema]) => (schema === null ? [] : [part]));
  return [...contentTypes, ...parts].join(', ');
}

function inMode(mode: Mode | undefined): string {
  return mode === 'shadow' ? ' (shadow)' : '';
}
