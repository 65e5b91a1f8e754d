/** The request as undici wants it. */
import { performance } from 'node:perf_hooks';
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { ForwardAction } from '../contracts/compiled.ts';
import type { Target, Upstream } from '../contracts/upstream.ts';
import type { ForwardJob } from './job.ts';
import { buildRequestHeaders, buildRequestPath } from './request-head.ts';

/** undici takes the server name at run time; its types have not learned it. */
type UpstreamRequest = Dispatcher.DispatchOptions & { servername?: string };

/** To `x.target`. Called once for each try. */
export function buildUpstreamRequest(
  { x, upgrade }: ForwardJob,
  action: ForwardAction,
  upstream: Upstream,
  body: Buffer | Readable | null,
): Dispatcher.DispatchOptions {
  const target = x.target as Target;
  const path = buildRequestPath(x, action, target);
  // Before the fields are put together: they name the try.
  x.recording?.tryBegan(target, upstream.name, path, performance.now());
  const request: UpstreamRequest = {
    method: x.head.method,
    path,
    headers: buildRequestHeaders(x, action, upstream, target),
    body,
    upgrade: upgrade === null ? null : 'websocket',
  };
  if (target.servername !== null) request.servername = target.servername;
  return request;
}
