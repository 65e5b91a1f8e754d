/** GET /upstreams, and what an operator can do to them: drain a target, open and close a breaker. */
import type { DrainOutcome } from '../target-watch.ts';
import type { UpstreamReport } from '../upstream-report.ts';
import { type AdminAnswer, AdminError, type AdminRequest, type Endpoint, json } from './endpoint.ts';
import { maxJsonBytes, readDuration, readJson } from './read-json.ts';

export interface UpstreamGateway {
  readonly describeUpstreams: () => Promise<readonly UpstreamReport[]>;
  /** `target`: its label. */
  readonly setDrained: (upstream: string, target: string, isDrained: boolean, force: boolean) => DrainOutcome;
  /** `forMs`: how long it stays open; null: until it is closed. False: the upstream has no breaker. */
  readonly orderBreaker: (upstream: string, state: 'open' | 'closed', forMs: number | null) => boolean;
}

export function upstreamEndpoints(gateway: UpstreamGateway): readonly Endpoint[] {
  const drain = (request: AdminRequest, isDrained: boolean): AdminAnswer => tellDrain(gateway, request, isDrained);
  const change = { method: 'POST', for: 'operators', maxBodyBytes: maxJsonBytes } as const;
  return [
    {
      method: 'GET',
      path: '/upstreams',
      for: 'operators',
      answer: async () => json({ upstreams: await gateway.describeUpstreams() }),
    },
    { ...change, path: '/upstreams/:name/targets/:target/drain', answer: (request) => drain(request, true) },
    { ...change, path: '/upstreams/:name/targets/:target/undrain', answer: (request) => drain(request, false) },
    { ...change, path: '/breakers/:name/open', answer: (request) => tellOrder(gateway, request, 'open') },
    { ...change, path: '/breakers/:name/close', answer: (request) => tellOrder(gateway, request, 'closed') },
  ];
}

function tellDrain(
  gateway: UpstreamGateway,
  { parameters, query, body }: AdminRequest,
  isDrained: boolean,
): AdminAnswer {
  readJson(body, []);
  const { name = '', target = '' } = parameters;
  const outcome = gateway.setDrained(name, target, isDrained, query.get('force') === 'true');
  switch (outcome) {
    case 'done':
      return json({ upstream: name, target, drained: isDrained });
    case 'no upstream':
      throw missing(`no upstream with targets is called "${name}"; GET /upstreams lists them`);
    case 'no target':
      throw missing(`"${name}" has no target "${target}"; GET /upstreams lists them, as host:port`);
    case 'last target': {
      const detail = `"${target}" is the last target of "${name}" that gets requests: without it they get 503; ?force=true drains it all the same`;
      throw new AdminError({ status: 409, code: 'last_target', detail });
    }
  }
}

function tellOrder(
  gateway: UpstreamGateway,
  { parameters, body }: AdminRequest,
  state: 'open' | 'closed',
): AdminAnswer {
  const { name = '' } = parameters;
  const members = readJson(body, state === 'open' ? ['for'] : []);
  const forMs = readDuration('for', members['for']);
  if (!gateway.orderBreaker(name, state, forMs)) {
    throw missing(`no upstream with a circuit breaker is called "${name}"; circuitBreaker: {} in the config adds one`);
  }
  return json({ upstream: name, breaker: state, forMs });
}

function missing(detail: string): AdminError {
  return new AdminError({ status: 404, code: 'not_found', detail });
}
