/** GET and DELETE /limits/KEY: what a client has left of its limits, and all of it again. */
import { type LimitOwner, parseOwner } from '../../src/limit/owner.ts';
import type { LimitReport } from '../limit-desk.ts';
import { AdminError, type AdminRequest, type Endpoint, json } from './endpoint.ts';
import { bad } from './read-json.ts';

export interface LimitGateway {
  /** Null, or false: whoever keeps them does not answer, or says no. */
  readonly lookAtLimits: (owner: LimitOwner) => Promise<LimitReport | null>;
  readonly refillLimits: (owner: LimitOwner) => Promise<boolean>;
}

export function limitEndpoints({ lookAtLimits, refillLimits }: LimitGateway): readonly Endpoint[] {
  const path = '/limits/:key';
  return [
    {
      method: 'GET',
      path,
      for: 'operators',
      answer: async (request) => {
        const report = await lookAtLimits(ownerOf(request));
        if (report === null) throw away;
        return json({ key: request.parameters['key'], ...report });
      },
    },
    {
      method: 'DELETE',
      path,
      for: 'operators',
      answer: async (request) => {
        if (!(await refillLimits(ownerOf(request)))) throw away;
        return json({ key: request.parameters['key'], refilled: true });
      },
    },
  ];
}

function ownerOf({ parameters }: AdminRequest): LimitOwner {
  const owner = parseOwner(parameters['key'] ?? '');
  if (owner === null) throw bad('KEY is client:NAME, ip:ADDRESS or all');
  return owner;
}

const away = new AdminError({
  status: 503,
  code: 'rate_limiter_unavailable',
  detail: 'Redis keeps the limits, and does not answer or does not allow this',
  headers: ['Retry-After', '1'],
});
