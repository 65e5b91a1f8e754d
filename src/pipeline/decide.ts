/**
 * What happens to a request, decided before anything is done: START READING HERE. The stages stand in the order in
 * which they run, which is a security property. No socket and no clock is touched: the same function serves live
 * requests and answers "what would you do with this one?". (`x.timing`, where it is kept, has a clock of its own.)
 */
import type { CompiledRoute, ForwardAction } from '../contracts/compiled.ts';
import type { Exchange } from '../contracts/exchange.ts';
import type { Maybe } from '../contracts/maybe.ts';
import type { Refusal, Verdict } from '../contracts/refusal.ts';
import type { RequestBody } from '../contracts/request-body.ts';
import type { Upstream } from '../contracts/upstream.ts';
import type { UpstreamLimits } from '../contracts/upstream-limit.ts';
import { type Preflight, readPreflight } from '../core/preflight.ts';
import { closingRefusal, refusal } from '../core/refusals.ts';
import { gatewayOverloaded, upstreamSaturated } from '../core/shed.ts';

/** The facts that a decision needs beside the head. */
export interface Facts {
  readonly body: RequestBody;
  /** How near the worker is to what it can bear: 1 is all. */
  readonly pressure: number;
  /** How many requests upstreams may have under way; null: as many as come. */
  readonly upstreamLimits: UpstreamLimits | null;
  /** From 0 up to 1: draws among weighted upstreams. */
  readonly draw: number;
}

/**
 * `null`: go on; then `x.answer` holds an answer that needs no upstream, or `x.upstream` says where to forward.
 * `admit` has been passed already: it makes the head that an exchange begins with. A promise comes only from a stage
 * that has to ask somebody; the stages behind it then run when it has been answered.
 */
export function decide(x: Exchange, facts: Facts): Maybe<Verdict> {
  // 1. match: which route, and so which policies.
  const unmatched = match(x);
  x.timing?.ended('match');
  if (unmatched !== null) return unmatched;
  const route = x.route as CompiledRoute;

  // 2. A CORS preflight carries no credentials: match has answered it, before anybody is asked for some.
  if (x.answer !== null) return null;

  // 3. overload: under pressure, whoever can wait is turned away before anything is spent on them.
  const overloaded = facts.pressure >= route.shedFrom ? shed(x, gatewayOverloaded) : null;
  if (overloaded !== null) return overloaded;
  x.isLoad = true;

  // 4. auth: who is it, and may they come? Before anything else is read or spent on them.
  const denied = authorize(x, route);
  x.timing?.ended('auth');

  // 5. limit: all that apply must let it pass. Who has been denied counts too, or keys could be guessed at any speed.
  if (route.limits === null) return denied ?? prepare(x, route, facts);
  const limited = route.limits.admit(x, denied !== null);
  if (limited instanceof Promise) return prepareLater(limited, denied, x, route, facts);
  x.timing?.ended('limit');
  return limited ?? denied ?? prepare(x, route, facts);
}

async function prepareLater(
  limited: Promise<Verdict>,
  denied: Verdict,
  x: Exchange,
  route: CompiledRoute,
  facts: Facts,
): Promise<Verdict> {
  const refused = await limited;
  x.timing?.ended('limit');
  return refused ?? denied ?? prepare(x, route, facts);
}

/** The stages behind the limits. */
function prepare(x: Exchange, route: CompiledRoute, facts: Facts): Maybe<Verdict> {
  // 6. validate: does it look as the route asks? What the client declares may refuse a body before it is read.
  const { body } = facts;
  const bodyBytes = body.whole === null ? body.declaredBytes : body.whole.length;
  if (bodyBytes !== null && bodyBytes > route.maxBodyBytes) return bodyTooLarge;
  if (route.validate === null) return resolve(x, route, facts);
  const invalid = route.validate(x, body);
  if (invalid instanceof Promise) return resolveLater(invalid, x, route, facts);
  x.timing?.ended('validate');
  return invalid ?? resolve(x, route, facts);
}

async function resolveLater(
  invalid: Promise<Verdict>,
  x: Exchange,
  route: CompiledRoute,
  facts: Facts,
): Promise<Verdict> {
  const refused = await invalid;
  x.timing?.ended('validate');
  return refused ?? resolve(x, route, facts);
}

function resolve(x: Exchange, route: CompiledRoute, facts: Facts): Verdict {
  // 7. resolve: an answer from the config, or one of the route's upstreams.
  if (route.action.kind === 'respond') {
    x.answer = route.action;
    return null;
  }
  const { sticky } = route.action;
  x.upstream = drawUpstream(route.action, sticky === null ? facts.draw : sticky(x));
  x.timing?.ended('resolve');

  // 8. overload of the upstream: it has as much to do as it answers in good time.
  const limit = facts.upstreamLimits === null ? null : facts.upstreamLimits.of(x.upstream.name);
  return limit !== null && !limit.hasPlace(route.priority) ? shed(x, upstreamSaturated) : null;
}

const noRoute = refusal('no_route', 'no route matches this host, path and headers');
const ambiguous = closingRefusal('bad_request', 'the path can be read in two ways that belong to different routes');
const bodyTooLarge = closingRefusal('body_too_large', 'the request body is larger than this route takes');

function match(x: Exchange): Verdict {
  const { method, host, path, rawHeaders, otherPaths } = x.head;
  const preflight = readPreflight(method, rawHeaders);
  if (preflight !== null && matchPreflight(x, preflight)) return null;
  const answer = x.config.routes.find(method, host, path, rawHeaders, otherPaths);
  switch (answer.kind) {
    case 'match':
      x.route = answer.route;
      return null;
    case 'method':
      return refusal('method_not_allowed', `this path takes ${answer.allow.join(', ')}`, [
        'Allow',
        answer.allow.join(', '),
      ]);
    case 'ambiguous':
      return ambiguous;
    case 'none':
      return noRoute;
  }
}

/** A preflight is answered by the route that the request to come would find. False: that route has no CORS policy. */
function matchPreflight(x: Exchange, preflight: Preflight): boolean {
  const { host, path, rawHeaders, otherPaths } = x.head;
  const answer = x.config.routes.find(preflight.method, host, path, rawHeaders, otherPaths);
  if (answer.kind !== 'match' || answer.route.cors === null) return false;
  x.route = answer.route;
  const headers = answer.route.cors.preflight(preflight.origin, preflight.method, preflight.headers);
  x.answer = { status: 204, headers, body: noBytes };
  return true;
}

const noBytes = Buffer.alloc(0);

function shed(x: Exchange, refused: Refusal): Verdict {
  if (x.config.overloadMode === 'enforce') return refused;
  x.shadow = [...x.shadow, refused.code];
  return null;
}

function authorize(x: Exchange, route: CompiledRoute): Verdict {
  const unauthorized = route.auth === null ? null : route.auth(x);
  if (unauthorized !== null || route.consumers === null) return unauthorized;
  return route.consumers(x);
}

function drawUpstream(action: ForwardAction, draw: number): Upstream {
  let left = draw * action.totalWeight;
  for (const { upstream, weight } of action.upstreams) {
    left -= weight;
    if (left < 0) return upstream;
  }
  return (action.upstreams.at(-1) as { upstream: Upstream }).upstream;
}
