/**
 * Judges a config as a whole: its shape, then what its values mean, each section by its own file. Everything that is
 * wrong is reported at once. The one place here that knows the features whose settings it judges.
 */

import { parseHostPattern } from '../route/host.ts';
import { type PathPattern, parsePathPattern } from '../route/pattern.ts';
import { findRouteProblems, type RouteConditions } from '../route/problems.ts';
import { compileRewrite } from '../route/rewrite.ts';
import { checkListeners } from './check-listeners.ts';
import { checkRateLimit } from './check-rate-limit.ts';
import { checkRoutes } from './check-routes.ts';
import { checkSecurity } from './check-security.ts';
import { checkTelemetry } from './check-telemetry.ts';
import { checkUpstreams } from './check-upstreams.ts';
import { type Attached, type Checking, tryParse } from './checking.ts';
import { Findings } from './findings.ts';
import type { Environment } from './interpolate.ts';
import { type KeyPath, type Problem, sortProblems } from './problem.ts';
import { locate, type Source } from './read.ts';
import { type ConfigFile, ConfigFileSchema, type RouteEntry } from './schema.ts';
import { type Loose, readShape } from './shape.ts';

/** A file without errors. */
export interface CheckedFile {
  readonly source: Source;
  readonly file: ConfigFile;
  readonly attached: Attached;
}

export interface CheckResult {
  /** Null when there is an error. */
  readonly checked: CheckedFile | null;
  /** Errors and warnings, in the order of the file. */
  readonly problems: readonly Problem[];
  /** What it has read besides the source, by absolute paths. */
  readonly files: readonly string[];
}

export function checkConfig(source: Source, environment: Environment, strict: boolean): CheckResult {
  const findings = new Findings(source);
  const file = readShape(ConfigFileSchema, findings, environment) as Loose<ConfigFile>;
  const checking: Checking = {
    file,
    findings,
    strict,
    elsewhere: [],
    attached: { keys: [], schemas: new Map(), pems: new Map() },
  };
  checkListeners(checking);
  const keysFile = checkSecurity(checking, environment);
  checkRateLimit(checking, environment, parsePathPattern);
  checkUpstreams(checking);
  checkRoutes(checking);
  checkPaths(checking);
  checkTelemetry(checking);
  const problems = sortProblems(
    [...findings.problems, ...(keysFile?.problems ?? []), ...checking.elsewhere],
    source.file,
  );
  const hasError = problems.some(({ severity }) => severity === 'error');
  // Without an error there are no holes.
  const files = [...findings.source.reads, ...(keysFile?.source.reads ?? [])];
  return {
    problems,
    files,
    checked: hasError ? null : { source, file: file as ConfigFile, attached: checking.attached },
  };
}

function checkPaths(checking: Checking): void {
  const conditions: RouteConditions[] = [];
  const indexes: number[] = [];
  checking.file.routes?.forEach((route, i) => {
    if (route?.path === undefined) return;
    if (!checkPathAndHost(checking, ['routes', i], route)) return;
    indexes.push(i);
    conditions.push(conditionsOf(route, route.path));
  });
  for (const { index, other, severity, message } of findRouteProblems(conditions)) {
    reportRouteProblem(checking, indexes[index] ?? 0, other === null ? null : (indexes[other] ?? 0), severity, message);
  }
}

/** False when the route can't be compared with others. */
function checkPathAndHost(checking: Checking, path: KeyPath, route: Loose<RouteEntry>): boolean {
  const { path: text, host } = route;
  if (text === undefined) return false;
  const hostIsFine = host === undefined || tryParse(checking, [...path, 'host'], () => parseHostPattern(host)) !== null;
  const pattern = tryParse(checking, [...path, 'path'], () => parsePathPattern(text));
  if (pattern === null) return false;
  checkPathChange(checking, path, route, pattern);
  warnOfEndpoint(checking, [...path, 'path'], text);
  return hostIsFine;
}

/** The gateway's own endpoints win over routes. */
function warnOfEndpoint({ file, findings }: Checking, path: KeyPath, text: string): void {
  const endpoints = file.proxy?.endpoints;
  const isHealth = text === '/health/live' || text === '/health/ready' || text === '/health/deep';
  const key = text === '/metrics' ? 'metrics' : isHealth ? 'health' : null;
  if (key === null || endpoints?.[key] === false) return;
  findings.warn(
    path,
    `${findings.show(path)} is answered by the gateway itself; proxy.endpoints.${key}: false gives it to this route`,
  );
}

function checkPathChange(checking: Checking, path: KeyPath, route: Loose<RouteEntry>, pattern: PathPattern): void {
  const { stripPrefix = null, rewrite = null } = route;
  if (rewrite !== null) tryParse(checking, [...path, 'rewrite'], () => compileRewrite(pattern, stripPrefix, rewrite));
  if (stripPrefix === null) return;
  const prefixPath = [...path, 'stripPrefix'];
  if (tryParse(checking, prefixPath, () => compileRewrite(pattern, stripPrefix, null) ?? 'nothing') === null) return;
  const { findings } = checking;
  switch (comparePrefix(stripPrefix, pattern)) {
    case 'always':
      return;
    case 'sometimes':
      findings.warn(prefixPath, `paths that do not begin with ${findings.show(prefixPath)} reach the upstream whole`);
      return;
    case 'never':
      findings.error(prefixPath, `${findings.show(prefixPath)} is not how ${findings.show([...path, 'path'])} begins`, {
        expected: 'the first segments of the path',
      });
  }
}

/** Whether the paths that a pattern matches begin with the prefix, which holds literal segments only. */
function comparePrefix(prefix: string, pattern: PathPattern): 'always' | 'sometimes' | 'never' {
  const words = parsePathPattern(prefix.length > 1 ? prefix.replace(/\/$/, '') : prefix).segments;
  let answer: 'always' | 'sometimes' = 'always';
  for (const [i, word] of words.entries()) {
    if (word.kind !== 'literal' || word.text === '') continue;
    const segment = pattern.segments[i];
    if (segment === undefined && !pattern.hasWildcard) return 'never';
    if (segment?.kind === 'literal' && segment.text !== word.text) return 'never';
    if (segment?.kind !== 'literal') answer = 'sometimes';
  }
  return answer;
}

function conditionsOf(route: Loose<RouteEntry>, path: string): RouteConditions {
  const headers = Object.entries(route.headers ?? {}).map(([name, value = '']) => ({
    name: name.toLowerCase(),
    value,
  }));
  const methods = route.methods?.filter((method) => method !== undefined) ?? null;
  return { path, host: route.host ?? null, methods, headers };
}

function reportRouteProblem(
  { findings }: Checking,
  index: number,
  other: number | null,
  severity: Problem['severity'],
  message: string,
): void {
  const path = ['routes', index, 'path'];
  const rival =
    other === null ? '' : `; the other is routes[${other}], ${findings.source.file}:${lineOf(findings, other)}`;
  if (severity === 'error') findings.error(path, `${message}${rival}`);
  else findings.warn(path, `${message}${rival}`);
}

function lineOf(findings: Findings, route: number): number {
  return locate(findings.source, ['routes', route, 'path']).line;
}
