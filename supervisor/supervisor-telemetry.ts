/** The supervisor's part of `telemetry.otlp`: the metrics of the whole gateway, and the lines of its own log. */
import { isDeepStrictEqual } from 'node:util';
import type { ConfigSummary } from '../src/config/load.ts';
import type { OtlpConfig } from '../src/contracts/config.ts';
import type { Log } from '../src/contracts/log.ts';
import type { Logger } from '../src/log/logger.ts';
import type { Telemetry } from '../src/telemetry/telemetry.ts';
import type { MetricsRegistry } from './metrics-registry.ts';

/** What the collector gets for the last numbers and lines, ms. */
const lastWordsMs = 1_500;

interface Settings {
  readonly otlp: OtlpConfig;
  readonly port: number;
}

export class SupervisorTelemetry {
  readonly #log: Log & Pick<Logger, 'copyTo'>;
  readonly #registry: Pick<MetricsRegistry, 'send'>;
  #settings: Settings | null = null;
  #lines: Telemetry | null = null;
  #timer: NodeJS.Timeout | null = null;
  /** Of the metrics, under way; null: none is. */
  #sending: Promise<void> | null = null;
  #isFailing = false;

  constructor(log: Log & Pick<Logger, 'copyTo'>, registry: Pick<MetricsRegistry, 'send'>) {
    this.#log = log;
    this.#registry = registry;
  }

  /** The config in force. */
  async follow({ telemetry: { otlp }, proxy }: ConfigSummary): Promise<void> {
    const settings = otlp === null ? null : { otlp, port: proxy.port };
    if (isDeepStrictEqual(settings, this.#settings)) return;
    this.#settings = settings;
    this.#followMetrics(settings);
    const lines = settings === null ? null : await this.#openLines(settings);
    // The next config may have come meanwhile.
    if (this.#settings !== settings) {
      lines?.retire();
      return;
    }
    this.#lines?.retire();
    this.#lines = lines;
    this.#log.copyTo(lines === null ? null : lines.takeLine);
  }

  /** The last numbers and lines, once the workers have gone. */
  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#log.copyTo(null);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, lastWordsMs);
    });
    await Promise.race([late, Promise.all([this.#sendLastMetrics(), this.#lines?.flush(lastWordsMs)])]);
    clearTimeout(timer);
  }

  async #openLines({ otlp, port }: Settings): Promise<Telemetry> {
    const { Telemetry } = await import('../src/telemetry/telemetry.ts');
    const own = { ...otlp, traces: false };
    return new Telemetry({ otlp: own, port, withQuery: false, log: this.#log, count: ignore });
  }

  #followMetrics(settings: Settings | null): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    if (settings === null || !settings.otlp.metrics) return;
    this.#timer = setInterval(() => void this.#sendMetrics(), settings.otlp.metricsIntervalMs).unref();
  }

  async #sendLastMetrics(): Promise<void> {
    // What is under way does not have the last numbers.
    await this.#sending;
    await this.#sendMetrics();
  }

  /** While the collector takes its time, the numbers go on growing where they are. */
  #sendMetrics(): Promise<void> {
    this.#sending ??= this.#sendOnce().finally(() => {
      this.#sending = null;
    });
    return this.#sending;
  }

  async #sendOnce(): Promise<void> {
    const settings = this.#settings;
    if (settings === null || !settings.otlp.metrics) return;
    const reason = await this.#registry.send(settings.otlp, settings.port).catch((error: Error) => error.message);
    const isFailing = reason !== null;
    if (isFailing === this.#isFailing) return;
    this.#isFailing = isFailing;
    const signal = 'metrics';
    if (isFailing) this.#log.warn({ signal, reason }, 'the collector takes no metrics');
    else this.#log.info({ signal }, 'the collector takes metrics again');
  }
}

function ignore(): void {
  // telemetry_records_total is the workers' metric.
}
