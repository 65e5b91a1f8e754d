/** The supervisor while it runs: the config in force, the workers, and what it answers and does when it is asked. */

import type { ConfigSummary, ReloadedConfig } from '../src/config/load.ts';
import type { BreakerChange } from '../src/contracts/breaker.ts';
import type { Health, ToSupervisor, ToWorker } from '../src/contracts/ipc.ts';
import type { UpstreamAnswer } from '../src/health/deep.ts';
import type { Logger } from '../src/log/logger.ts';
import { type ScrapeAsked, sendScraped } from '../src/metrics/scrape.ts';
import { runTask } from '../src/offload/pool.ts';
import type { CheckReport } from './admin/reload-endpoints.ts';
import type { AwakeClock } from './awake-clock.ts';
import type { Judge } from './breakers.ts';
import { coalesce } from './coalesce.ts';
import { judgeHealth } from './health.ts';
import { HealthChecks } from './health-checks.ts';
import { LimitDesk } from './limit-desk.ts';
import { LimitKeeper } from './limit-keeper.ts';
import { LogLevelKeeper } from './log-level.ts';
import type { MetricsRegistry } from './metrics-registry.ts';
import { createOperations, type Operations } from './operations.ts';
import { RedisPresence } from './redis-presence.ts';
import type { ReloadReport } from './reload-report.ts';
import { type ActiveConfig, Reloader } from './reloader.ts';
import type { ServiceManager } from './service-manager.ts';
import { SharedBreakers } from './shared-breakers.ts';
import { describeWorkers, StatusDesk } from './status.ts';
import { SupervisorTelemetry } from './supervisor-telemetry.ts';
import { TargetWatch } from './target-watch.ts';
import { TlsKeeper } from './tls-keeper.ts';
import { isForDesk, UpstreamDesk } from './upstream-desk.ts';
import { WorkerPool } from './worker-pool.ts';
import type { WorkerProcess } from './worker-process.ts';

export interface SupervisorOptions {
  readonly config: Extract<ReloadedConfig, { ok: true }>;
  readonly workers: number;
  /** The listening socket, of which each worker gets a copy. */
  readonly handle: unknown;
  readonly clock: AwakeClock;
  readonly log: Logger;
  readonly registry: MetricsRegistry;
  readonly serviceManager: ServiceManager;
  /** Hears of every config file that has been read, good or bad, and since when (wall clock, ms). */
  readonly onRead: (loaded: ReloadedConfig, since: number) => void;
  /** Aborted when the gateway begins to shut down. */
  readonly stop: AbortSignal;
}

export class Supervisor {
  readonly telemetry: SupervisorTelemetry;
  readonly pool: WorkerPool;
  readonly operations: Operations;
  readonly #log: Logger;
  readonly #registry: MetricsRegistry;
  readonly #stop: AbortSignal;
  readonly #redis: RedisPresence;
  readonly #tls: TlsKeeper;
  readonly #desk: UpstreamDesk;
  readonly #shared: SharedBreakers;
  readonly #limits = new LimitKeeper(() => performance.now());
  readonly #targets: TargetWatch;
  readonly #checks: HealthChecks;
  readonly #status = new StatusDesk();
  readonly #logLevel: LogLevelKeeper;
  readonly #reloader: Reloader;
  /** What the process began with: some of it holds until its end. */
  readonly #started: ConfigSummary;
  #active: ActiveConfig;
  #phase: 'starting' | 'running' | 'draining' = 'starting';

  constructor(options: SupervisorOptions) {
    const { config, workers, handle, clock, log, registry, serviceManager, onRead, stop } = options;
    this.#log = log;
    this.#registry = registry;
    this.#stop = stop;
    this.telemetry = new SupervisorTelemetry(log, registry);
    this.#redis = new RedisPresence(log, () => this.#noticeRedis());
    const now = (): number => performance.now();
    this.#targets = new TargetWatch({ log, registry, now, onChange: () => this.#tellNews() });
    this.#desk = new UpstreamDesk({
      log,
      registry,
      now,
      onChange: (change, judge) => this.#tellBreaker(change, judge),
    });
    this.#shared = new SharedBreakers({
      log,
      redis: () => this.#redis.store,
      adopt: (change) => this.#desk.adopt(change),
      describe: (key) => this.#desk.describe(key),
    });
    this.#checks = new HealthChecks(log, (answer) => this.#targets.checked(answer));
    this.#tls = new TlsKeeper(log, registry, (message) => this.pool.tellAll(message));
    this.#logLevel = new LogLevelKeeper(log, config.summary.logging, (message) => this.pool.tellAll(message));
    this.#started = config.summary;
    this.#active = { version: 1, parcel: config.parcel, summary: config.summary };
    this.pool = new WorkerPool({
      count: workers,
      program: new URL('../workers/main.ts', import.meta.url),
      handle,
      clock,
      log,
      committed: () => this.#active,
      news: () => [...this.#news(), ...this.#logLevel.news(), ...this.#tls.greetings()],
      drainMs: () => this.shutdown.timeoutMs,
      onMessage: (worker, message) => this.#answer(worker, message),
      onEnded: (worker) => this.#forget(worker.id),
      onRestart: (reason) => registry.add('worker_restarts_total', [reason]),
      onListening: (count) => registry.set('workers', [], count),
    });
    this.#reloader = new Reloader({
      log,
      registry,
      workers: this.pool,
      serviceManager,
      started: this.#started,
      active: () => this.#active,
      takeUp: (candidate) => this.#takeUp(candidate),
      onRead,
      onReport: (report) => this.#status.reloaded(report),
      stop,
    });
    this.operations = createOperations({
      pool: this.pool,
      targets: this.#targets,
      desk: this.#desk,
      limits: new LimitDesk({
        keeper: this.#limits,
        redis: () => this.#redis.store,
        config: () => ({ parcel: this.#active.parcel, rateLimit: this.#active.summary.rateLimit }),
      }),
      logLevel: this.#logLevel,
      summary: () => this.#active.summary,
    });
  }

  get shutdown(): { readonly delayMs: number; readonly timeoutMs: number } {
    return this.#active.summary.proxy.shutdown;
  }

  /** What /health/ready answers, on both listeners. */
  health(): Health {
    return judgeHealth({
      isConfigActive: this.#phase !== 'starting',
      isDraining: this.#phase === 'draining',
      upstreams: this.#targets.facts,
      redis: this.#redis.facts,
    });
  }

  /** The config in force as JSON, without secrets. */
  renderConfig(): Promise<Uint8Array> {
    const { version, summary, parcel } = this.#active;
    return runTask('renderConfig', { version, file: summary.file, parcel });
  }

  /** The routes in force as JSON, without secrets. */
  renderRoutes(): Promise<Uint8Array> {
    const { version, parcel } = this.#active;
    return runTask('renderRoutes', { version, parcel });
  }

  /** Everything that viewers show, as JSON. */
  async renderStatus(): Promise<Uint8Array> {
    const { version, summary } = this.#active;
    const workers = await describeWorkers(this.pool.census(), performance.now());
    const gateway = this.#status.describe(this.health(), { version, file: summary.file });
    return await this.#registry.renderStatus({ gateway, workers });
  }

  /** What a reload would say of this text, in the place of the config file. */
  checkCandidate(text: string): Promise<CheckReport> {
    return this.#reloader.check(text);
  }

  /** In a thread: the authorities of the system take their time to read. */
  askUpstreams(): Promise<UpstreamAnswer[]> {
    return runTask('askUpstreams', { parcel: this.#active.parcel, faulty: this.#targets.faulty });
  }

  /** The first config is in force on all workers, and they accept connections, when this resolves. Throws StartBlocked. */
  async start(): Promise<void> {
    this.#announceConfig();
    this.#watchTargets();
    this.#tls.follow(this.#active.summary.proxy.tls);
    await this.telemetry.follow(this.#active.summary);
    await this.#redis.follow(this.#active.summary.rateLimit);
    await this.pool.start();
    if (!this.#stop.aborted) this.#enter('running');
  }

  /** Not ready from now on. */
  beginToDrain(): void {
    this.#enter('draining');
  }

  /** Takes up the config file as it is now, on all workers or on none. Never rejects. */
  reload(): Promise<ReloadReport> {
    return this.#reloader.reload();
  }

  /** Replaces every worker, one at a time, losing nothing. Never rejects. */
  readonly replaceWorkers = coalesce(() => this.#replaceWorkers());

  #takeUp(candidate: ActiveConfig): void {
    this.#active = candidate;
    this.#logLevel.follow(candidate.summary.logging);
    this.#announceConfig();
    this.#watchTargets();
    void this.#redis.follow(candidate.summary.rateLimit);
    this.#tls.follow(candidate.summary.proxy.tls);
    void this.telemetry.follow(candidate.summary);
  }

  #tellBreaker(change: BreakerChange, judge: Judge): void {
    this.pool.tellAll({ type: 'breaker:changed', change });
    // What an operator orders here holds here.
    if (judge !== 'operator') this.#shared.changed(change);
  }

  #announceConfig(): void {
    this.#registry.set('config_version', [], this.#active.version);
    this.#registry.set('config_last_reload_timestamp_seconds', [], Date.now() / 1000);
    this.#status.tookUp();
    const { routes, upstreams } = this.#active.summary;
    // Without the admin listener nobody can ask for a status, and no numbers are kept for one.
    if (this.#started.admin.port !== 0) this.#registry.follow({ routes, upstreams: upstreams.map(({ name }) => name) });
  }

  async #replaceWorkers(): Promise<void> {
    if (this.#phase === 'draining') return this.#log.warn({}, 'no replacement of workers while shutting down');
    this.#log.info({}, 'replacing all workers, one at a time');
    const outcome = await this.pool.replaceAll();
    switch (outcome) {
      case 'done':
        return this.#log.info({}, 'all workers have been replaced');
      case 'failed':
        return this.#log.error({}, 'not all workers have been replaced: a new one does not start');
      case 'stopped':
        return;
    }
  }

  #enter(phase: 'running' | 'draining'): void {
    this.#phase = phase;
    this.#tellNews();
  }

  #tellNews(): void {
    for (const message of this.#news()) this.pool.tellAll(message);
  }

  #news(): ToWorker[] {
    return [
      { type: 'health', health: this.health() },
      { type: 'targets:faulty', targets: this.#targets.faulty },
      ...this.#desk.news(),
    ];
  }

  #watchTargets(): void {
    const { upstreams, addresses, proxy } = this.#active.summary;
    this.#targets.follow(upstreams);
    this.#desk.follow(upstreams);
    this.#shared.follow(upstreams.some(({ circuitBreaker }) => circuitBreaker?.enabled === true));
    this.#checks.follow(upstreams, { addresses, dnsServers: proxy.dns.servers });
  }

  #noticeRedis(): void {
    const { facts } = this.#redis;
    if (facts === null) this.#registry.remove('redis_up', []);
    else this.#registry.set('redis_up', [], facts.status === 'up' ? 1 : 0);
    this.#tellNews();
  }

  #answer(worker: WorkerProcess, message: ToSupervisor): void {
    if (message.type === 'metrics') {
      this.#registry.take(worker.id, message);
      worker.send({ type: 'metrics:taken', report: message.report });
    }
    if (message.type === 'asks') worker.send(this.#limits.answer(message));
    if (message.type === 'redis') this.#redis.hear(worker.id, message.status, message.reason);
    if (message.type === 'target:failing') this.#targets.failing(message);
    if (message.type === 'memory:full') void this.pool.replaceFull(worker, message.share);
    if (message.type === 'scrape') void this.#sendMetrics(worker, message);
    if (isForDesk(message)) this.#desk.receive(worker, message);
    // Else it is the answer to a question that is no longer asked.
  }

  #forget(worker: number): void {
    this.#registry.forget(worker);
    this.#desk.forget(worker);
    this.#redis.forget(worker);
  }

  async #sendMetrics(worker: WorkerProcess, { id, format }: ScrapeAsked): Promise<void> {
    const text = await this.#registry.render(format).catch(() => []);
    await sendScraped(id, text, (piece) => worker.write(piece));
  }
}
