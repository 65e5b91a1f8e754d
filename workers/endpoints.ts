/** /health/* and /metrics on the proxy port: answered before any route is asked, from what the supervisor has told. */
import type { Exchange } from '../src/contracts/exchange.ts';
import type { Health } from '../src/contracts/ipc.ts';
import type { Reply } from '../src/contracts/reply.ts';
import { refusal } from '../src/core/refusals.ts';
import { sendRefusal } from '../src/core/send-refusal.ts';
import { expositionType, type ScrapeClient } from '../src/metrics/scrape.ts';

export class Endpoints {
  readonly #scrapes: ScrapeClient;
  #health: Health = { ready: false, checks: { config: 'DOWN' } };

  constructor(scrapes: ScrapeClient) {
    this.#scrapes = scrapes;
  }

  /** The supervisor's word on readiness, given anew when it changes. */
  setHealth(health: Health): void {
    this.#health = health;
  }

  answers(x: Exchange): boolean {
    const { path } = x.head;
    const { health, metrics } = x.config.endpoints;
    if (path === '/metrics') return metrics;
    return health && (path === '/health/live' || path === '/health/ready');
  }

  answer(x: Exchange, reply: Reply): void {
    const { method, path } = x.head;
    if (method !== 'GET' && method !== 'HEAD') {
      sendRefusal(x, refusal('method_not_allowed', 'this endpoint takes GET and HEAD', ['Allow', 'GET, HEAD']), reply);
      return;
    }
    if (path === '/metrics') {
      this.#answerMetrics(x, reply);
      return;
    }
    const timestamp = new Date().toISOString();
    if (path === '/health/live') {
      sendJson(x, reply, 200, { status: 'UP', timestamp });
      return;
    }
    const { ready, checks } = this.#health;
    sendJson(x, reply, ready ? 200 : 503, { status: ready ? 'UP' : 'DOWN', checks });
  }

  #answerMetrics(x: Exchange, reply: Reply): void {
    this.#scrapes.scrape().then(
      (pieces) => send(x, reply, 200, expositionType, Buffer.concat(pieces)),
      () => sendRefusal(x, noMetrics, reply),
    );
  }
}

const noMetrics = refusal('overloaded', 'the metrics could not be had in time; try again');

function sendJson(x: Exchange, reply: Reply, status: number, body: object): void {
  send(x, reply, status, 'application/json', Buffer.from(JSON.stringify(body)));
}

function send(x: Exchange, reply: Reply, status: number, type: string, body: Buffer): void {
  x.status = status;
  reply.whole(status, ['Content-Type', type, 'Cache-Control', 'no-store', 'X-Request-Id', x.id], body);
}
