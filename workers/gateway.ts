/** The gateway in a worker: the config in force, the one that is being prepared, and everything that outlives both. */
import { isDeepStrictEqual } from 'node:util';
import { compileConfig } from '../src/config/compile.ts';
import type { CompiledConfig } from '../src/contracts/compiled.ts';
import type { Config } from '../src/contracts/config.ts';
import type { GatewayMessage, WorkerGateway, WorkerGatewayOptions } from '../src/contracts/worker-gateway.ts';
import { readMemoryLimit, workerShareBytes } from '../src/core/container.ts';
import { askUpstreams } from '../src/health/deep.ts';
import { BatchingLimiter } from '../src/limit/batching-limiter.ts';
import { NodeAuthority } from '../src/limit/node-authority.ts';
import { AccessLog } from '../src/log/access-log.ts';
import { createLogger, startupLogging } from '../src/log/logger.ts';
import { Recorder } from '../src/metrics/recorder.ts';
import { ScrapeClient } from '../src/metrics/scrape.ts';
import { BodyThreads } from '../src/offload/body-threads.ts';
import { AdaptiveLimits } from '../src/overload/adaptive-limits.ts';
import { watchEventLoop } from '../src/overload/loop-delay.ts';
import { MemoryWatch } from '../src/overload/memory.ts';
import { Overload } from '../src/overload/overload.ts';
import { AddressGuard } from '../src/upstream/address-guard.ts';
import { type AddressPolicy, compileAddressPolicy } from '../src/upstream/address-policy.ts';
import { Upstreams } from '../src/upstream/upstreams.ts';
import { WaitingRoom } from '../src/upstream/waiting-room.ts';
import { echoOrigin } from './echo.ts';
import { Endpoints } from './endpoints.ts';
import { inspectProcess } from './inspect-process.ts';
import { Listener, type ListenerSettings } from './listener.ts';
import { RedisLimits, type RedisLink } from './redis-limits.ts';
import { RequestHandler } from './request-handler.ts';
import { TlsDoor } from './tls-door.ts';
import { TurnedAway } from './turned-away.ts';
import { UpstreamPolicies } from './upstream-policies.ts';
import { type TelemetryLink, WorkerTelemetry } from './worker-telemetry.ts';

/** The queue of connections that no worker has accepted yet; the kernel caps it at net.core.somaxconn. */
const backlog = 4096;
/** The last report of a drained worker waits so long for the supervisor's receipt, ms. */
const lastReportMs = 1_000;

/** The collector is waited for so long, ms. */
const lastExportMs = 1_500;

/** How often a worker looks how it bears its load, ms. */
const overloadLookMs = 100;

/** After an error that nobody caught, requests in flight may take so long, ms. */
const failedDrainMs = 1_000;
/** EX_SOFTWARE */
const failedExitCode = 70;

interface Prepared {
  readonly config: Config;
  readonly compiled: CompiledConfig;
  readonly addresses: AddressPolicy;
  readonly door: TlsDoor | null;
  readonly redis: RedisLink | null;
  readonly telemetry: TelemetryLink;
}

export function createGateway({ send, worker, workers }: WorkerGatewayOptions): WorkerGateway {
  const name = String(worker);
  const logger = createLogger({ worker: name, config: startupLogging });
  const room = new WaitingRoom();
  const overload = new Overload({
    lookAtLoop: watchEventLoop(),
    memory: new MemoryWatch(),
    memoryBytes: workerShareBytes(readMemoryLimit(), workers),
    waiting: room,
    onFullMemory: (share) => send({ type: 'memory:full', share }),
    log: logger,
  });
  const upstreamLimits = new AdaptiveLimits(Math.random);
  const accessLog = new AccessLog({ logger, worker: name, random: Math.random, overload });
  const recorder = new Recorder({ worker: name, send, log: logger, overload, upstreamLimits });
  const scrapes = new ScrapeClient((message) => {
    // What has been counted here so far shall be in the answer.
    recorder.report();
    send(message);
  });
  const bodyThreads = new BodyThreads({ log: logger, count: (outcome) => recorder.recordBodyCheck(outcome) });
  const telemetry = new WorkerTelemetry(logger, recorder);
  const guard = new AddressGuard(logger);
  const policies = new UpstreamPolicies(send);
  const upstreams = new Upstreams({
    builtinOrigin: echoOrigin,
    guard,
    policiesFor: (settings) => policies.of(settings),
    room,
    log: logger,
    onFailing: (upstream, url) => send({ type: 'target:failing', upstream, url }),
  });

  const nodeLimits = new NodeAuthority({
    send,
    log: logger,
    now: () => performance.now(),
    onAlone: (requests) => recorder.recordLimitsAlone(requests),
  });
  const limiter = new BatchingLimiter(nodeLimits);
  const redisLimits = new RedisLimits(nodeLimits, (status, reason) => send({ type: 'redis', status, reason }));

  let current: Prepared | null = null;
  const endpoints = new Endpoints(scrapes, async () =>
    current === null
      ? []
      : askUpstreams(current.config.upstreams, { door: current.addresses, faulty: upstreams.faulty }),
  );
  const prepared = new Map<number, Prepared>();
  let handler: RequestHandler | null = null;
  let listener: Listener | null = null;
  let ticketKeys: Buffer | null = null;
  let drain: Drain | null = null;

  const beginDrain = (timeoutMs: number): Promise<{ cut: number }> => {
    drain ??= new Drain(handler, listener, async () => {
      await telemetry.flush(lastExportMs);
      await recorder.flush(lastReportMs);
      recorder.stop();
      logger.close();
    });
    return drain.within(timeoutMs);
  };

  const lookForOverload = (): void => {
    overload.look(handler === null ? 0 : handler.load, performance.now());
    if (handler !== null) overload.relieve(handler);
  };

  // A bug: what it left behind can't be trusted, but the other requests did nothing wrong and get a moment to end.
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error.stack ?? String(error) }, 'the worker failed and will be replaced');
    const leave = (): never => process.exit(failedExitCode);
    beginDrain(failedDrainMs).then(leave, leave);
    setTimeout(leave, failedDrainMs + lastReportMs);
  });

  return {
    async prepare(config, version) {
      const taken = await upstreams.take(config);
      const compiled = await compileConfig(config, version, taken, limiter, bodyThreads);
      const addresses = compileAddressPolicy(config.security, config.proxy.dns.servers);
      const door = openDoor(config, current?.door ?? null);
      const link = await telemetry.prepare(config);
      // At the end, since what has been opened must be taken up or closed.
      const redis = await redisLimits.prepare(config.rateLimit);
      prepared.set(version, { config, compiled, addresses, door, redis, telemetry: link });
    },

    commit(version) {
      const next = prepared.get(version);
      if (next === undefined) throw new Error(`config version ${version} was never prepared`);
      prepared.clear();
      current = next;
      guard.enforce(next.addresses);
      upstreams.resolveBy(next.config.proxy.dns.servers);
      upstreams.keepOnly([next.config]);
      limiter.authority = redisLimits.commit(next.redis);
      policies.keepOnly([next.config]);
      logger.configure(next.config.logging);
      accessLog.configure(next.config.logging);
      telemetry.commit(next.telemetry);
      overload.configure(next.config.overload);
      upstreamLimits.configure(next.config);
      if (handler === null || listener === null) {
        handler = new RequestHandler(next.compiled, endpoints, recorder, accessLog, overload);
        listener = new Listener(handler, listenerSettings(next), new TurnedAway(recorder, logger));
        if (ticketKeys !== null) listener.setTicketKeys(ticketKeys);
        handler.upstreamLimits = next.config.overload.adaptive ? upstreamLimits : null;
        handler.tracer = telemetry.tracer;
        recorder.start();
        setInterval(lookForOverload, overloadLookMs).unref();
        return;
      }
      handler.config = next.compiled;
      handler.tracer = telemetry.tracer;
      handler.upstreamLimits = next.config.overload.adaptive ? upstreamLimits : null;
      listener.configure(listenerSettings(next));
    },

    discard(version) {
      redisLimits.discard(prepared.get(version)?.redis ?? null);
      prepared.delete(version);
      if (current === null) return;
      upstreams.keepOnly([current.config]);
      policies.keepOnly([current.config]);
    },

    listen(handle) {
      if (listener === null) throw new Error('a config must be committed before listening');
      return listener.listen(handle, backlog);
    },

    takeCertificates(tls) {
      // A reload has turned TLS off meanwhile.
      if (current === null || current.door === null) return;
      current = { ...current, door: new TlsDoor(tls, current.door.handshakeMs) };
      listener?.configure(listenerSettings(current));
    },

    takeTicketKeys(keys) {
      ticketKeys = Buffer.from(keys);
      listener?.setTicketKeys(ticketKeys);
    },

    closeConnections() {
      if (handler !== null) handler.isDraining = true;
      listener?.closeAfterAnswers();
    },

    drain: beginDrain,

    setLogLevel(level) {
      if (current === null) return;
      const { logging } = current.config;
      logger.configure({ ...logging, level: level ?? logging.level });
    },

    inspect: () => ({
      inFlight: handler === null ? 0 : handler.inFlight,
      loopDelayMs: overload.loopDelayMs(),
      ...inspectProcess(),
      pools: upstreams.inspect(),
    }),

    receive(message: GatewayMessage) {
      switch (message.type) {
        case 'health':
          endpoints.setHealth(message.health);
          break;
        case 'targets:faulty':
          upstreams.setFaulty(message.targets);
          break;
        case 'scraped':
          scrapes.receive(message);
          break;
        case 'metrics:taken':
          recorder.taken(message.report);
          break;
        case 'permit:answer':
        case 'breaker:changed':
          policies.receive(message);
          break;
        case 'admissions':
          nodeLimits.answered(message);
          break;
      }
    },
  };
}

/** Throws when OpenSSL does not take the certificates. What has not changed keeps its door, and with it what it has parsed. */
function openDoor({ proxy: { tls, timeouts } }: Config, present: TlsDoor | null): TlsDoor | null {
  if (tls === null) return null;
  const isSame = present?.handshakeMs === timeouts.headersMs && isDeepStrictEqual(present.config, tls);
  return isSame ? present : new TlsDoor(tls, timeouts.headersMs);
}

function listenerSettings({ config: { proxy }, compiled, door }: Prepared): ListenerSettings {
  return {
    headersMs: proxy.timeouts.headersMs,
    idleMs: proxy.timeouts.idleMs,
    maxConnections: proxy.limits.maxConnections,
    maxConnectionsPerIp: proxy.limits.maxConnectionsPerIp,
    isTrusted: compiled.isTrusted,
    door,
    // The request line and the fields, with room to refuse what is too large by name.
    maxHeadBytes: Math.max(65_536, 2 * (proxy.maxHeaderBytes + proxy.maxUrlBytes)),
  };
}

/** The end of a worker: finish what is in flight, let go of what has no end, cut what is left when the time is up. */
class Drain {
  readonly #handler: RequestHandler | null;
  readonly #listener: Listener | null;
  readonly #finish: () => Promise<void>;
  #timer: NodeJS.Timeout | null = null;
  #endsAt = Number.POSITIVE_INFINITY;
  #cut = 0;
  #done: Promise<{ cut: number }> | null = null;

  constructor(handler: RequestHandler | null, listener: Listener | null, finish: () => Promise<void>) {
    this.#handler = handler;
    this.#listener = listener;
    this.#finish = finish;
  }

  within(timeoutMs: number): Promise<{ cut: number }> {
    this.#done ??= this.#run(timeoutMs);
    const endsAt = Date.now() + timeoutMs;
    if (endsAt < this.#endsAt) {
      this.#endsAt = endsAt;
      if (this.#timer !== null) clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#cutRest(), timeoutMs);
    }
    return this.#done;
  }

  async #run(timeoutMs: number): Promise<{ cut: number }> {
    if (this.#handler !== null && this.#listener !== null) {
      this.#handler.isDraining = true;
      this.#letStreamsGo(timeoutMs / 2);
      await this.#listener.drain();
    }
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#finish();
    return { cut: this.#cut };
  }

  /** Spread over time, so that their clients do not all come back at once. */
  #letStreamsGo(overMs: number): void {
    const streams = [...(this.#handler as RequestHandler).streams];
    for (const [i, stream] of streams.entries()) {
      setTimeout(() => stream.letGo(), (overMs * i) / streams.length).unref();
    }
  }

  #cutRest(): void {
    const handler = this.#handler;
    // Told to leave before it served: nothing to cut.
    if (handler === null) return;
    this.#cut = handler.inFlight - handler.streams.size;
    for (const stream of handler.streams) stream.letGo();
    handler.isCutting = true;
    this.#listener?.cut();
  }
}
