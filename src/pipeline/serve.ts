/** The life of a request after its head: decide, then do it. */
import type { CompiledRoute } from '../contracts/compiled.ts';
import type { Exchange, LocalAnswer } from '../contracts/exchange.ts';
import type { Verdict } from '../contracts/refusal.ts';
import type { Reply, ReplyObserver } from '../contracts/reply.ts';
import type { Upstream } from '../contracts/upstream.ts';
import type { UpstreamLimits } from '../contracts/upstream-limit.ts';
import { exposedFields, originOf, sendRefusal } from '../core/send-refusal.ts';
import { forward } from '../forward/forward.ts';
import { clientClosedRequest, type ForwardJob, type ForwardObserver } from '../forward/job.ts';
import { decide, type Facts } from './decide.ts';

/** How much there is to do already. */
export type Load = Pick<Facts, 'pressure' | 'upstreamLimits'>;

/** `job.observer` hears of the end exactly once. */
export function serve(job: ForwardJob, load: Load): void {
  const { x, body, reply } = job;
  const verdict = decide(x, {
    body,
    pressure: load.pressure,
    upstreamLimits: load.upstreamLimits,
    draw: Math.random(),
  });
  if (!(verdict instanceof Promise)) {
    act(job, verdict, load);
    return;
  }
  // The client may leave while the verdict is awaited: then nobody is left to act for.
  const end = new LocalEnd(x, job.observer);
  reply.observer = end;
  // A stage that rejects is a bug, and ends as an uncaught exception like any other.
  void verdict.then((settled) => {
    if (!end.isOver) act(job, settled, load);
  });
}

function act(job: ForwardJob, refused: Verdict, { upstreamLimits }: Load): void {
  const { x, body, reply } = job;
  if (refused === null && x.answer === null) {
    if (upstreamLimits !== null) takePlace(x, upstreamLimits);
    forward(job);
    return;
  }
  reply.observer ??= new LocalEnd(x, job.observer);
  // What was not read can't be told from the next request.
  if (!body.complete) reply.closeConnection();
  if (refused !== null) sendRefusal(x, refused, reply);
  else sendAnswer(x, x.answer as LocalAnswer, reply);
}

function takePlace(x: Exchange, limits: UpstreamLimits): void {
  x.place = limits.of((x.upstream as Upstream).name);
  if (x.place !== null) x.place.enter((x.route as CompiledRoute).priority);
}

/** The end of an exchange that never went upstream. */
export class LocalEnd implements ReplyObserver {
  readonly #x: Exchange;
  readonly #observer: ForwardObserver;
  /** The exchange is over, answered or not. */
  isOver = false;

  constructor(x: Exchange, observer: ForwardObserver) {
    this.#x = x;
    this.#observer = observer;
  }

  replyDrained(): void {}

  replyClosed(): void {
    this.isOver = true;
    if (this.#x.status === 0) {
      this.#x.aborted = true;
      this.#x.status = clientClosedRequest;
    }
    this.#observer.exchangeEnded(this.#x);
  }
}

function sendAnswer(x: Exchange, answer: LocalAnswer, reply: Reply): void {
  x.status = answer.status;
  const headers = [...answer.headers, 'X-Request-Id', x.id, ...x.limitFields];
  const route = x.route as CompiledRoute;
  const isPreflight = answer !== route.action;
  if (route.cors !== null && !isPreflight) headers.push(...route.cors.actual(originOf(x)), ...exposedFields(x));
  reply.whole(answer.status, headers, answer.body);
}
