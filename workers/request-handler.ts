/** From node's request to an exchange and back: what every request gets before it is served, and what is noted at its end. */
import { performance } from 'node:perf_hooks';
import type { CompiledConfig, CompiledRoute } from '../src/contracts/compiled.ts';
import { Exchange } from '../src/contracts/exchange.ts';
import type { Tracer } from '../src/contracts/recording.ts';
import type { Refusal } from '../src/contracts/refusal.ts';
import type { TryOutcome, Upstream } from '../src/contracts/upstream.ts';
import type { UpstreamLimit, UpstreamLimits } from '../src/contracts/upstream-limit.ts';
import { problemBody, problemTitle, refusal } from '../src/core/refusals.ts';
import { newRequestId, takeRequestId } from '../src/core/request-id.ts';
import { sendRefusal } from '../src/core/send-refusal.ts';
import { ServerTiming } from '../src/core/server-timing.ts';
import { isShed, upstreamSaturated } from '../src/core/shed.ts';
import { continueTrace } from '../src/core/trace-context.ts';
import type { ForwardObserver, OpenStream } from '../src/forward/job.ts';
import type { AccessLog } from '../src/log/access-log.ts';
import { methodIndex } from '../src/metrics/methods.ts';
import type { Recorder, RouteRow } from '../src/metrics/recorder.ts';
import type { Overload } from '../src/overload/overload.ts';
import { admit } from '../src/pipeline/admit.ts';
import { LocalEnd, serve } from '../src/pipeline/serve.ts';
import { bodyRefusals } from './body-faults.ts';
import { ClientBody } from './client-body.ts';
import type { ClientConnection, WaitingRequest } from './client-connection.ts';
import { CollectedBodies } from './collected-bodies.ts';
import type { Endpoints } from './endpoints.ts';
import { lingerThenDestroy } from './linger.ts';
import type { RequestTaker } from './listener.ts';
import { NodeReply } from './node-reply.ts';

export class RequestHandler implements RequestTaker, ForwardObserver {
  /** gateway: the config in force. A request reads it once. */
  config: CompiledConfig;
  /** gateway: answers close their connections. */
  isDraining = false;
  /** gateway: the drain's time is up; who leaves now was cut. */
  isCutting = false;
  /** gateway: null when the config in force has none. */
  upstreamLimits: UpstreamLimits | null = null;
  /** gateway: null when no traces are recorded. */
  tracer: Tracer | null = null;
  readonly streams = new Set<OpenStream>();
  readonly #endpoints: Endpoints;
  readonly #recorder: Recorder;
  readonly #accessLog: AccessLog;
  readonly #room: CollectedBodies;
  readonly #overload: Overload;
  #inFlight = 0;
  /** Of these, those that overload protection has let in. */
  #letIn = 0;

  constructor(
    config: CompiledConfig,
    endpoints: Endpoints,
    recorder: Recorder,
    accessLog: AccessLog,
    overload: Overload,
  ) {
    this.config = config;
    this.#overload = overload;
    this.#endpoints = endpoints;
    this.#recorder = recorder;
    this.#accessLog = accessLog;
    this.#room = new CollectedBodies((bytes) => recorder.recordCollected(bytes));
  }

  /** Exchanges under way, streams included. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Exchanges that are work: without streams, health, metrics, and what was refused before it became work. */
  get load(): number {
    return this.#letIn - this.streams.size;
  }

  take(waiting: WaitingRequest, connection: ClientConnection): void {
    const { request, response, early } = waiting;
    const admitted = admit(
      {
        method: request.method as string,
        target: request.url as string,
        versionMajor: waiting.isHttp ? request.httpVersionMajor : 0,
        versionMinor: request.httpVersionMinor,
        rawHeaders: request.rawHeaders,
        peerIp: connection.peerIp,
        scheme: connection.scheme,
      },
      this.config,
    );
    const x = this.#begin(admitted.head, admitted.requestId, admitted.traceparents, admitted.tracestates);
    const reply = new NodeReply(response, connection, x, early ?? undefined);
    if (this.isDraining || connection.isLast) reply.closeConnection();

    x.consumer = connection.consumer;
    if (x.config.showsTraceToken?.(request.rawHeaders)) x.timing = new ServerTiming(x.startedAt, monotonicMs);
    if (admitted.refusal !== null) {
      // Behind ambiguous framing the next "request" may be a body: it must not be heard.
      connection.stopHearing();
      reply.observer = new LocalEnd(x, this);
      sendRefusal(x, admitted.refusal, reply);
      return;
    }
    const bodyBytes = early === null ? admitted.bodyBytes : 0;
    if (bodyBytes === 0) {
      this.#serve(x, new ClientBody(request, response, x, this.#room, 0, false), reply, early !== null);
      return;
    }
    // Once the parser is through with what has been read, a small body is whole: then it is sent in one piece, and can
    // be sent again. (Ticks run between two callbacks of the parser; that is too early.)
    reply.observer = new LocalEnd(x, this);
    setImmediate(() => {
      if (response.closed) return;
      const body = new ClientBody(request, response, x, this.#room, bodyBytes, waiting.waits);
      connection.readBody(body);
      if (body.isMalformed) {
        sendRefusal(x, bodyRefusals.malformed, reply);
        return;
      }
      this.#serve(x, body, reply, false);
    });
  }

  refuseBytes(refused: Refusal, connection: ClientConnection): void {
    const { socket } = connection;
    connection.stopHearing();
    const x = this.#begin(noHead(connection), null, [], []);
    x.refusal = refused;
    x.status = refused.status;
    const body = problemBody(refused, x.id);
    x.bytesOut = body.length;
    if (socket.writable) {
      socket.write(
        `HTTP/1.1 ${refused.status} ${problemTitle(refused.status)}\r\nContent-Type: application/problem+json\r\n` +
          `Content-Length: ${body.length}\r\nX-Request-Id: ${x.id}\r\nConnection: close\r\n\r\n`,
        'latin1',
      );
      socket.write(body);
    }
    lingerThenDestroy.call(socket);
    this.exchangeEnded(x);
  }

  exchangeEnded(x: Exchange): void {
    if (this.isCutting && x.aborted) x.refusal ??= cutByDrain;
    const now = performance.now();
    const durationMs = now - x.startedAt;
    const row = this.#recorder.routeRow(x.route === null ? 'none' : x.route.label);
    this.#recorder.endRequest();
    this.#recorder.recordRequest(row, methodIndex(x.head.method), x.status, durationMs, x.bytesOut, x.trace);
    if (x.refusal !== null) this.#noteRefusal(x, row, x.refusal);
    if (x.limited !== null) this.#recorder.recordLimits(row, x.limited);
    if (x.shadow.length > 0) for (const code of x.shadow) this.#recorder.recordShadow(row, code);
    if (x.recording !== null) x.recording.ended(x, now);
    this.#accessLog.write(x, durationMs, Date.now());
    this.#inFlight--;
    if (x.isLoad) this.#letIn--;
    if (x.place !== null) leavePlace(x, x.place);
  }

  #noteRefusal(x: Exchange, row: RouteRow, refused: Refusal): void {
    this.#recorder.recordRejected(refused.code);
    if (isShed(refused)) this.#recorder.recordShed((x.route as CompiledRoute).priority);
    if (refused === upstreamSaturated) this.upstreamLimits?.of((x.upstream as Upstream).name)?.refused();
    if (refused.authFailure !== null) this.#recorder.recordAuthFailure(row, refused.authFailure);
  }

  tryEnded(x: Exchange, upstream: Upstream, outcome: TryOutcome, durationMs: number): void {
    this.#recorder.recordUpstream(this.#recorder.upstreamRow(upstream.name), outcome, durationMs);
    const { place } = x;
    if (place === null) return;
    // A quick error says nothing of a queue. (At a fallback there is no place any more.)
    if (outcome === 'success' || outcome === 'timeout') place.answered(durationMs, performance.now());
    // Then the rest is up to the client, who may be slow. Other tries may have a successor.
    if (outcome === 'success') leavePlace(x, place);
  }

  shedWaiting(x: Exchange): void {
    x.isLoad = false;
    this.#letIn--;
  }

  retried(upstream: Upstream): void {
    this.#recorder.recordRetry(this.#recorder.upstreamRow(upstream.name));
  }

  streamOpened(stream: OpenStream): void {
    this.streams.add(stream);
    if (this.isDraining) stream.letGo();
  }

  streamClosed(stream: OpenStream): void {
    this.streams.delete(stream);
  }

  #begin(
    head: Exchange['head'],
    sentId: string | null,
    traceparents: readonly string[],
    tracestates: readonly string[],
  ): Exchange {
    this.#inFlight++;
    this.#recorder.beginRequest();
    const { tracer } = this;
    const trace = continueTrace(traceparents, tracestates, tracer === null ? 0 : tracer.sampleRatio);
    const id = sentId === null ? newRequestId() : takeRequestId(sentId);
    const x = new Exchange(head, this.config, id, trace, performance.now());
    if (tracer !== null && trace.isSampled) x.recording = tracer.record(trace, x.startedAt);
    return x;
  }

  #serve(x: Exchange, body: ClientBody, reply: NodeReply, isUpgrade: boolean): void {
    x.timing?.ended('admit');
    const endpoint = this.#endpoints.find(x);
    if (endpoint !== null) {
      // Probes and scrapes come all the time, and belong to nobody's trace.
      x.recording = null;
      reply.observer = new LocalEnd(x, this);
      if (!body.complete) reply.closeConnection();
      endpoint(x, reply);
      return;
    }
    const load = { pressure: this.#overload.pressureAt(this.load), upstreamLimits: this.upstreamLimits };
    serve({ x, body, reply, upgrade: isUpgrade ? reply : null, observer: this }, load);
    if (!x.isLoad) return;
    this.#letIn++;
    this.#overload.relieve(this);
  }
}

const monotonicMs = (): number => performance.now();
const cutByDrain = refusal('draining', 'the gateway shut down before the answer was complete');

function leavePlace(x: Exchange, place: UpstreamLimit): void {
  x.place = null;
  place.leave((x.route as CompiledRoute).priority, performance.now());
}

/** What can be said of bytes that never became a request. */
function noHead({ peerIp, scheme }: ClientConnection): Exchange['head'] {
  return {
    method: '-',
    target: '',
    queryAt: 0,
    path: '',
    forwardPath: '',
    otherPaths: [],
    host: '',
    authority: '',
    rawHeaders: [],
    versionMinor: 1,
    scheme,
    client: { ip: peerIp, isPeerTrusted: false, forwardedFor: peerIp, proto: null, host: null },
  };
}
