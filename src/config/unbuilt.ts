/**
 * Policies that a config may ask for and that no code obeys yet. `sluice start` refuses a config with one of them,
 * since a limit or a lock that is ignored is worse than none; `sluice check` warns. Whoever builds a policy deletes
 * its line.
 */
import type { Config, RouteConfig, UpstreamConfig } from '../contracts/config.ts';
import { formatPath, type KeyPath, type Problem } from './problem.ts';
import { locate, type Source } from './read.ts';

export function findUnbuilt(config: Config, source: Source, severity: Problem['severity']): Problem[] {
  return findPaths(config).map((path) => ({
    severity,
    file: source.file,
    ...locate(source, path, 'key'),
    path: formatPath(path),
    value: null,
    message: unbuiltMessage,
    expected: null,
  }));
}

type Line<T> = readonly [key: string, asks: (of: T) => boolean];

const settings: readonly Line<Config>[] = [
  ['proxy.traceToken', ({ proxy }) => proxy.traceToken !== null],
  ['telemetry.otlp', ({ telemetry }) => telemetry.otlp !== null],
];

const upstreamKeys: readonly Line<UpstreamConfig>[] = [
  ['circuitBreaker', ({ circuitBreaker }) => circuitBreaker?.enabled === true],
  ['circuitBreaker.mode', ({ circuitBreaker }) => circuitBreaker?.enabled === true && circuitBreaker.mode === 'shadow'],
];

const routeKeys: readonly Line<RouteConfig>[] = [];

function findPaths(config: Config): KeyPath[] {
  return [
    ...asked(settings, config, []),
    ...config.upstreams.flatMap((upstream, i) => asked(upstreamKeys, upstream, ['upstreams', i])),
    ...config.routes.flatMap((route, i) => asked(routeKeys, route, ['routes', i])),
  ];
}

/** A shadowed policy is named once, not a second time for its mode. */
function asked<T>(lines: readonly Line<T>[], of: T, start: KeyPath): KeyPath[] {
  const keys = lines.flatMap(([key, asks]) => (asks(of) ? [key] : []));
  return keys
    .filter((key) => !keys.includes(key.replace(/\.mode$/, '')) || !key.endsWith('.mode'))
    .map((key) => [...start, ...key.split('.')]);
}
export const unbuiltMessage = 'not built yet in this version; remove it, or wait for the version that obeys it';
