/** Everything that the admin listener answers, one line each. What they do stands in the other files of this folder. */
import type { Health } from '../../src/contracts/ipc.ts';
import { deepBody, type HealthBody, liveBody, readyBody } from '../../src/health/bodies.ts';
import { askInRounds, type UpstreamAnswer } from '../../src/health/deep.ts';
import { chooseFormat, type ExpositionFormat, expositionTypes } from '../../src/metrics/formats.ts';
import { type AdminAnswer, type Endpoint, json } from './endpoint.ts';
import { type LimitGateway, limitEndpoints } from './limit-endpoints.ts';
import { type LogLevelGateway, logLevelEndpoints } from './log-level-endpoints.ts';
import { readPage } from './page.ts';
import { type ReloadGateway, reloadEndpoints } from './reload-endpoints.ts';
import { type UpstreamGateway, upstreamEndpoints } from './upstream-endpoints.ts';
import { type WorkerGateway, workerEndpoints } from './worker-endpoints.ts';

/** The gateway, as far as its operators can ask for it. */
export interface AdminGateway extends ReloadGateway, UpstreamGateway, WorkerGateway, LimitGateway, LogLevelGateway {
  readonly health: () => Health;
  readonly metrics: (format: ExpositionFormat) => Promise<readonly Uint8Array[]>;
  /** What `sluice top` and the page show, as JSON. */
  readonly status: () => Promise<Uint8Array>;
  /** The config in force as JSON, without secrets. */
  readonly config: () => Promise<Uint8Array>;
  /** The routes in force as JSON, without secrets. */
  readonly routes: () => Promise<Uint8Array>;
  /** Asks each upstream of the config in force. */
  readonly askUpstreams: () => Promise<UpstreamAnswer[]>;
}

export function listEndpoints(gateway: AdminGateway): readonly Endpoint[] {
  const { health, metrics, status, config, routes, askUpstreams } = gateway;
  const page = readPage();
  const askOnce = askInRounds(askUpstreams);
  const bodyOf = ({ status, body }: HealthBody): AdminAnswer => json(body, status);
  return [
    { method: 'GET', path: '/', for: 'operators', answer: () => page, toStrangers: page },
    {
      method: 'GET',
      path: '/status',
      for: 'operators',
      answer: async () => text('application/json', [await status()]),
    },
    { method: 'GET', path: '/health/live', for: 'everybody', answer: () => bodyOf(liveBody(new Date())) },
    { method: 'GET', path: '/health/ready', for: 'everybody', answer: () => bodyOf(readyBody(health())) },
    {
      method: 'GET',
      path: '/health/deep',
      for: 'everybody',
      answer: async () => bodyOf(deepBody(health(), await askOnce(), 'targets')),
    },
    {
      method: 'GET',
      path: '/metrics',
      for: 'operators',
      answer: async ({ headers }) => {
        const format = chooseFormat(headers.accept ?? '');
        return text(expositionTypes[format], await metrics(format), ['Vary', 'Accept']);
      },
    },
    {
      method: 'GET',
      path: '/config',
      for: 'operators',
      answer: async () => text('application/json', [await config()]),
    },
    {
      method: 'GET',
      path: '/routes',
      for: 'operators',
      answer: async () => text('application/json', [await routes()]),
    },
    ...reloadEndpoints(gateway),
    ...workerEndpoints(gateway),
    ...upstreamEndpoints(gateway),
    ...limitEndpoints(gateway),
    ...logLevelEndpoints(gateway),
  ];
}

function text(contentType: string, body: readonly Uint8Array[], more: readonly string[] = []): AdminAnswer {
  return { status: 200, headers: ['Content-Type', contentType, ...more], body };
}
