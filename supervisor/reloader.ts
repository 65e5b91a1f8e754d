/** A reload as operators know it: the config file is read, offered to the workers, taken up or rejected, and all are told how it ended. */
import { findRestarts } from '../src/config/describe.ts';
import type { ConfigSummary, LoadOptions, ReloadedConfig } from '../src/config/load.ts';
import { loadConfigInThread } from '../src/config/load-in-thread.ts';
import { formatProblem, type Problem } from '../src/config/problem.ts';
import type { Log } from '../src/contracts/log.ts';
import { runTask } from '../src/offload/pool.ts';
import type { CheckReport } from './admin/reload-endpoints.ts';
import { coalesce } from './coalesce.ts';
import type { MetricsRegistry } from './metrics-registry.ts';
import { type Party, reload } from './reload.ts';
import type { ReloadReport } from './reload-report.ts';
import type { ServiceManager } from './service-manager.ts';
import type { ConfigVersion } from './worker-process.ts';

export interface ActiveConfig extends ConfigVersion {
  readonly summary: ConfigSummary;
}

export interface ReloaderOptions {
  readonly log: Log;
  readonly registry: Pick<MetricsRegistry, 'add'>;
  readonly workers: Party;
  readonly serviceManager: ServiceManager;
  /** What the process began with: some of it holds until its end. */
  readonly started: ConfigSummary;
  /** The config in force. */
  readonly active: () => ActiveConfig;
  /** All workers hold it: it is in force from now on. */
  readonly takeUp: (candidate: ActiveConfig) => void;
  /** Hears of every config file that has been read, good or bad, and since when (wall clock, ms). */
  readonly onRead: (loaded: ReloadedConfig, since: number) => void;
  readonly onReport: (report: ReloadReport) => void;
  /** Aborted when the gateway begins to shut down. */
  readonly stop: AbortSignal;
}

/** A file of which everything is wrong says enough with so many lines. */
const maxProblemLines = 50;

export class Reloader {
  readonly #options: ReloaderOptions;

  constructor(options: ReloaderOptions) {
    this.#options = options;
  }

  /** Takes up the config file as it is now, on all workers or on none. Never rejects. */
  readonly reload = coalesce(async () => {
    const { stop, serviceManager, onReport } = this.#options;
    if (stop.aborted) return this.#giveUp();
    serviceManager.tell('RELOADING', 'taking up the config');
    const report = await this.#reload().catch((error: unknown) =>
      this.#reject([], `the reload failed: ${String(error)}`),
    );
    if (report.result !== 'stopped') serviceManager.tell('READY', statusOf(report));
    onReport(report);
    return report;
  });

  /** What a reload would say of this text, in the place of the config file. */
  async check(text: string): Promise<CheckReport> {
    const { summary, parcel } = this.#options.active();
    const options = loadOptions(summary.file);
    const input = { text, options: { ...options, env: { ...options.env } }, inForce: parcel };
    const { problems, changes, fixed } = await runTask('checkCandidate', input);
    return { problems, changes, needsRestart: fixed === null ? [] : findRestarts(this.#options.started, fixed) };
  }

  async #reload(): Promise<ReloadReport> {
    const { log, workers, takeUp, onRead, stop } = this.#options;
    const { summary, parcel, version } = this.#options.active();
    const since = Date.now();
    const loaded = await loadConfigInThread(loadOptions(summary.file), parcel);
    onRead(loaded, since);
    if (!loaded.ok) return this.#reject(loaded.problems, null);
    for (const warning of loaded.warnings) log.warn({}, formatProblem(warning));

    log.info({ version: version + 1 }, 'reload: the config is valid, the workers prepare it');
    const candidate: ActiveConfig = { version: version + 1, parcel: loaded.parcel, summary: loaded.summary };
    const outcome = await reload(candidate, workers, () => takeUp(candidate), stop);
    switch (outcome.result) {
      case 'accepted':
        return this.#accept(candidate, loaded);
      case 'rejected':
        return this.#reject(loaded.warnings, outcome.error);
      case 'stopped':
        return this.#giveUp();
    }
  }

  #accept(
    { version, summary }: ActiveConfig,
    { changes, warnings }: Extract<ReloadedConfig, { ok: true }>,
  ): ReloadReport {
    const { log, registry, started } = this.#options;
    registry.add('config_reloads_total', ['accepted']);
    const needsRestart = findRestarts(started, summary);
    log.info({ version, changes }, 'reload: the new config is in force');
    if (needsRestart.length > 0)
      log.warn({ needsRestart }, 'reload: these keys keep the value that they had at the start, until a restart');
    return { result: 'accepted', version, changes, needsRestart, warnings };
  }

  /** `problems`: of the file. `reason`: what else stands against it; null: they are enough. */
  #reject(problems: readonly Problem[], reason: string | null): ReloadReport {
    const { log, registry, active } = this.#options;
    registry.add('config_reloads_total', ['rejected']);
    const lines = reason === null ? problems.map(formatProblem) : [reason];
    for (const line of lines.slice(0, maxProblemLines)) log.error({}, line);
    const { version, summary } = active();
    log.error(
      { version, file: summary.file, problems: lines.length, first: lines[0] },
      'reload rejected: every worker keeps the config that it has',
    );
    return { result: 'rejected', version, problems, reason };
  }

  #giveUp(): ReloadReport {
    this.#options.log.warn({}, 'no reload: shutting down');
    return { result: 'stopped' };
  }
}

export function loadOptions(file: string): LoadOptions {
  return { file, env: process.env, strict: false };
}

/** For who asks the service manager how the gateway is. */
function statusOf({ result, version }: Exclude<ReloadReport, { result: 'stopped' }>): string {
  if (result === 'accepted') return `serving, config ${version}`;
  return `serving, still config ${version}: the new one was rejected, see the log`;
}
