/** The request as undici wants it. */
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { ForwardAction } from '../contracts/compiled.ts';
import type { Target, Upstream } from '../contracts/upstream.ts';
import type { ForwardJob } from './job.ts';
import { buildRequestHeaders, buildRequestPath } from './request-head.ts';

/** undici takes the server name at run time; its types have not learned it. */
type UpstreamRequest = Dispatcher.DispatchOptions & { servername?: string };

/** To `x.target`. */
export function buildUpstreamRequest(
  { x, upgrade }: ForwardJob,
  action: ForwardAction,
  upstream: Upstream,
  body: Buffer | Readable | null,
): Dispatcher.DispatchOptions {
  const target = x.target as Target;
  const request: UpstreamRequest = {
    method: x.head.method,
    path: buildRequestPath(x, action, target),
    headers: buildRequestHeaders(x, action, upstream, target),
    body,
    upgrade: upgrade === null ? null : 'websocket',
  };
  if (target.servername !== null) request.servername = target.servername;
  return request;
}
