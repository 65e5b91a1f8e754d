/** Checks of `routes`, one by one: conditions that requests can meet, a place to go, and policies that make sense together. */

import { parseOriginPattern } from '../cors/origin.ts';
import { checkEdits } from './check-edits.ts';
import { limitKeys } from './check-rate-limit.ts';
import { checkNames, checkWeights } from './check-upstreams.ts';
import { checkValidate } from './check-validate.ts';
import { type Checking, checkHeaderMap, checkMethods, checkSelector, checkToken, present } from './checking.ts';
import { findNearest } from './nearest.ts';
import type { KeyPath } from './problem.ts';
import type { RouteEntry } from './schema.ts';
import type { Loose } from './shape.ts';

type Entry = Loose<RouteEntry>;

export function checkRoutes(checking: Checking): void {
  const { file } = checking;
  checkNames(checking, 'routes', file.routes ?? []);
  const upstreams = new Set(present(file.upstreams).flatMap(({ name }) => (name === undefined ? [] : [name])));
  file.routes?.forEach((route, i) => {
    if (route !== undefined) checkRoute(checking, ['routes', i], route, upstreams);
  });
  checkUse(checking);
}

function checkRoute(checking: Checking, path: KeyPath, route: Entry, upstreams: ReadonlySet<string>): void {
  checkMethods(checking, [...path, 'methods'], route.methods);
  checkHeaderMap(checking, [...path, 'headers'], route.headers);
  checkAction(checking, path, route);
  checkReferences(checking, path, route, upstreams);
  if (Array.isArray(route.upstream)) checkWeights(checking, [...path, 'upstream'], route.upstream);
  checkSticky(checking, [...path, 'sticky'], route);
  checkSelector(checking, [...path, 'rateLimit', 'key'], route.rateLimit?.key, limitKeys);
  checkEdits(checking, [...path, 'request', 'headers'], route.request?.headers, 'request');
  checkEdits(checking, [...path, 'response', 'headers'], route.response?.headers, 'response');
  checkCors(checking, [...path, 'cors'], route.cors);
  if (route.cors !== undefined) checkGrants(checking, path, route);
  checkValidate(checking, [...path, 'validate'], route.validate);
}

/** Exactly one of `upstream` and `respond`, and no key that only makes sense with the other. */
function checkAction(checking: Checking, path: KeyPath, route: Entry): void {
  const { findings } = checking;
  const hasUpstream = findings.has([...path, 'upstream']);
  const hasRespond = findings.has([...path, 'respond']);
  if (hasUpstream && hasRespond) {
    findings.error([...path, 'respond'], "can't go with upstream", {
      at: 'key',
      value: null,
      expected: 'one of the two',
    });
  }
  if (!hasUpstream && !hasRespond) {
    findings.error(path, 'says nowhere to send requests', { value: null, expected: 'upstream, or respond' });
  }
  if (!hasRespond) return;
  for (const key of ['rewrite', 'stripPrefix', 'sticky', 'fallback', 'preserveHost', 'tryTimeout'] as const) {
    if (!findings.has([...path, key])) continue;
    findings.error([...path, key], "can't go with respond: nothing is sent to an upstream", { at: 'key' });
  }
  checkRespond(checking, [...path, 'respond'], route.respond);
}

function checkRespond(checking: Checking, path: KeyPath, respond: Entry['respond']): void {
  if (respond === undefined) return;
  checkEdits(checking, path, { set: respond.headers }, 'respond');
  const { status = 200, body = '' } = respond;
  const isBodiless = status === 204 || status === 205 || status === 304;
  if (!isBodiless || body === '') return;
  checking.findings.error([...path, 'body'], `an answer with status ${status} has no body`, {
    value: null,
    expected: 'no body, or another status',
  });
}

function checkSticky(checking: Checking, path: KeyPath, { sticky, upstream }: Entry): void {
  checkSelector(checking, path, sticky, ['ip', 'consumer']);
  if (sticky === undefined || upstream === undefined || (Array.isArray(upstream) && upstream.length > 1)) return;
  checking.findings.warn(path, 'does nothing: there is only one upstream to stay with', { at: 'key', value: null });
}

/** What a route names has to be there. */
function checkReferences(checking: Checking, path: KeyPath, route: Entry, upstreams: ReadonlySet<string>): void {
  const { upstream, fallback } = route;
  if (typeof upstream === 'string') checkReference(checking, [...path, 'upstream'], upstream, upstreams);
  if (Array.isArray(upstream)) {
    upstream.forEach((entry: { name?: string | undefined } | undefined, i) => {
      if (entry?.name !== undefined) checkReference(checking, [...path, 'upstream', i, 'name'], entry.name, upstreams);
    });
  }
  if (fallback === undefined) return;
  checkReference(checking, [...path, 'fallback'], fallback, upstreams);
  if (fallback !== upstream) return;
  checking.findings.warn(
    [...path, 'fallback'],
    `${checking.findings.show([...path, 'fallback'])} is the upstream itself`,
  );
}

function checkReference({ findings }: Checking, path: KeyPath, name: string, upstreams: ReadonlySet<string>): void {
  if (upstreams.has(name)) return;
  // Finding the nearest name takes time, and nobody reads it five thousand times.
  const suggestion = findings.problems.length < 200 ? findNearest(name, upstreams) : null;
  const expected = upstreams.size === 0 ? 'the name of an upstream, and there is none' : 'the name of an upstream';
  findings.error(path, `${findings.show(path)} is not an upstream`, { expected, suggestion });
}

function checkCors(checking: Checking, path: KeyPath, cors: Entry['cors']): void {
  if (cors === undefined) return;
  const { findings } = checking;
  cors.origins?.forEach((origin, i) => {
    if (origin === undefined) return;
    try {
      parseOriginPattern(origin);
    } catch {
      findings.error([...path, 'origins', i], `${findings.show([...path, 'origins', i])} is no origin`, {
        expected: 'an origin such as https://app.example.com or https://*.example.com, or "*"',
      });
    }
  });
  checkMethods(checking, [...path, 'methods'], cors.methods, '*');
  cors.headers?.forEach((header, i) => {
    if (header !== '*') checkToken(checking, [...path, 'headers', i], header);
  });
  const everybody = cors.origins?.indexOf('*') ?? -1;
  if (everybody === -1 || cors.credentials !== true) return;
  findings.error([...path, 'origins', everybody], 'with credentials, browsers accept no "*"', {
    expected: 'the origins one by one',
  });
}

/** Browsers refuse an answer that grants twice, so an edit beside cors would take the permission away. */
function checkGrants({ findings }: Checking, path: KeyPath, { response, respond }: Entry): void {
  for (const [key, fields] of [
    [['response', 'headers', 'set'], response?.headers?.set],
    [['response', 'headers', 'add'], response?.headers?.add],
    [['respond', 'headers'], respond?.headers],
  ] as const) {
    for (const name of Object.keys(fields ?? {})) {
      if (!/^access-control-allow-(origin|credentials)$/i.test(name)) continue;
      findings.error([...path, ...key, name], `"${name}" can't be changed: cors sets it`, { at: 'key', value: name });
    }
  }
}

/** What the routes together leave unused or out of reach. */
function checkUse(checking: Checking): void {
  const { file, findings } = checking;
  const routes = present(file.routes);
  warnOfUnused(checking, new Set(routes.flatMap(namesOfUpstreams)));
  if ((file.routes?.length ?? 0) === 0) {
    findings.warn(['routes'], 'no routes: every request gets 404', { value: null });
  }
  checkKeyedRoutes(checking);
  checkConsumers(checking);
}

/** A route that names no upstream that there is may have meant any of them. */
function warnOfUnused({ file, findings }: Checking, used: ReadonlySet<string | undefined>): void {
  const known = new Set(present(file.upstreams).map(({ name }) => name));
  if ([...used].some((name) => name !== undefined && !known.has(name))) return;
  file.upstreams?.forEach((upstream, i) => {
    if (upstream?.name === undefined || used.has(upstream.name)) return;
    findings.warn(['upstreams', i, 'name'], `${findings.show(['upstreams', i, 'name'])} is used by no route`);
  });
}

function namesOfUpstreams({ upstream, fallback }: Entry): (string | undefined)[] {
  const names = typeof upstream === 'string' ? [upstream] : present(upstream).map((entry) => entry.name);
  return [...names, fallback];
}

/** Such routes load, and answer 401 to everyone: better than being open by mistake. */
function checkKeyedRoutes(checking: Checking): void {
  const { file, findings } = checking;
  if (hasKeys(checking)) return;
  const keyed = (file.routes ?? []).flatMap((route, i) => (requirementOf(checking, route) === 'required' ? [i] : []));
  const [first] = keyed;
  if (first === undefined) return;
  const path = findings.has(['routes', first, 'auth']) ? ['routes', first, 'auth'] : ['security', 'auth', 'default'];
  const who =
    keyed.length === 1
      ? 'this route wants'
      : `this and ${keyed.length === 2 ? 'another route' : `${keyed.length - 1} more routes`} want`;
  findings.warn(path, `${who} a key, but security.auth has none: every request gets 401`);
}

function hasKeys({ file, findings }: Checking): boolean {
  return (
    (file.security?.auth?.keys?.length ?? 0) > 0 || findings.has(['security', 'auth', 'keysFile']) || namesClients(file)
  );
}

/** Client certificates name consumers too. */
function namesClients(file: Checking['file']): boolean {
  return file.proxy?.tls?.clientAuth !== undefined && file.proxy.tls.clientAuth !== 'none';
}

function requirementOf({ file }: Checking, route: Entry | undefined): string {
  const auth = typeof route?.auth === 'object' ? route.auth.require : route?.auth;
  return auth ?? file.security?.auth?.default ?? 'none';
}

function checkConsumers(checking: Checking): void {
  const { file, findings, attached } = checking;
  const known = new Set(
    [...present(file.security?.auth?.keys), ...attached.keys].flatMap(({ name }) => (name === undefined ? [] : [name])),
  );
  file.routes?.forEach((route, i) => {
    const consumers = route?.consumers;
    if (consumers === undefined) return;
    const isList = Array.isArray(consumers);
    const path = ['routes', i, 'consumers'];
    const names = (isList ? consumers : (consumers as { allow?: readonly (string | undefined)[] }).allow) as
      | readonly (string | undefined)[]
      | undefined;
    if (requirementOf(checking, route) === 'none' && !namesClients(file)) {
      findings.warn(path, 'this route does not ask who a client is (auth: none): every request gets 403', {
        value: null,
      });
    }
    names?.forEach((name, j) => {
      if (name === undefined || known.has(name) || namesClients(file)) return;
      const namePath = isList ? [...path, j] : [...path, 'allow', j];
      findings.warn(namePath, `${findings.show(namePath)} is the name of no key`, {
        suggestion: findNearest(name, known),
      });
    });
  });
}
