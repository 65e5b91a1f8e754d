/** /health/* and /metrics on the proxy port: answered before any route is asked, from what the supervisor has told. */
import type { Exchange } from '../src/contracts/exchange.ts';
import type { Health } from '../src/contracts/ipc.ts';
import type { Reply } from '../src/contracts/reply.ts';
import { fieldValues } from '../src/core/http-fields.ts';
import { refusal } from '../src/core/refusals.ts';
import { sendRefusal } from '../src/core/send-refusal.ts';
import { deepBody, type HealthBody, liveBody, readyBody } from '../src/health/bodies.ts';
import { askInRounds, type UpstreamAnswer } from '../src/health/deep.ts';
import { chooseFormat, expositionTypes } from '../src/metrics/formats.ts';
import type { ScrapeClient } from '../src/metrics/scrape.ts';

type Endpoint = (x: Exchange, reply: Reply) => void;

export class Endpoints {
  readonly #scrapes: ScrapeClient;
  readonly #askUpstreams: () => Promise<UpstreamAnswer[]>;
  #health: Health = { ready: false, checks: { config: 'DOWN' } };
  readonly #healthEndpoints: ReadonlyMap<string, Endpoint> = new Map([
    ['/health/live', (x, reply) => sendHealth(x, reply, liveBody(new Date()))],
    ['/health/ready', (x, reply) => sendHealth(x, reply, readyBody(this.#health))],
    ['/health/deep', (x, reply) => this.#answerDeep(x, reply)],
  ]);

  constructor(scrapes: ScrapeClient, askUpstreams: () => Promise<UpstreamAnswer[]>) {
    this.#scrapes = scrapes;
    this.#askUpstreams = askInRounds(askUpstreams);
  }

  /** The supervisor's word on readiness, given anew when it changes. */
  setHealth(health: Health): void {
    this.#health = health;
  }

  /** Null: the path belongs to the routes. */
  find(x: Exchange): Endpoint | null {
    const { path, method } = x.head;
    const { health, metrics } = x.config.endpoints;
    let endpoint: Endpoint | null = null;
    if (path === '/metrics') endpoint = metrics ? this.#answerMetrics : null;
    else if (health && path.startsWith('/health/')) endpoint = this.#healthEndpoints.get(path) ?? null;
    if (endpoint === null) return null;
    return method === 'GET' || method === 'HEAD' ? endpoint : refuseMethod;
  }

  #answerDeep(x: Exchange, reply: Reply): void {
    this.#askUpstreams().then(
      (answers) => sendHealth(x, reply, deepBody(this.#health, answers, 'names')),
      () => sendRefusal(x, notNow, reply),
    );
  }

  readonly #answerMetrics: Endpoint = (x, reply) => {
    const format = chooseFormat(fieldValues(x.head.rawHeaders, 'accept').join());
    this.#scrapes.scrape(format).then(
      (pieces) => send(x, reply, 200, expositionTypes[format], Buffer.concat(pieces), varyAccept),
      () => sendRefusal(x, notNow, reply),
    );
  };
}

const varyAccept: readonly string[] = ['Vary', 'Accept'];
const notNow = refusal('overloaded', 'the answer could not be had in time; try again');
const wrongMethod = refusal('method_not_allowed', 'this endpoint takes GET and HEAD', ['Allow', 'GET, HEAD']);

function refuseMethod(x: Exchange, reply: Reply): void {
  sendRefusal(x, wrongMethod, reply);
}

function sendHealth(x: Exchange, reply: Reply, { status, body }: HealthBody): void {
  send(x, reply, status, 'application/json', Buffer.from(JSON.stringify(body)));
}

function send(
  x: Exchange,
  reply: Reply,
  status: number,
  type: string,
  body: Buffer,
  more: readonly string[] = [],
): void {
  x.status = status;
  reply.whole(status, ['Content-Type', type, 'Cache-Control', 'no-store', ...more, 'X-Request-Id', x.id], body);
}
