/** The worker's part of `telemetry.otlp`, over reloads: what has not changed goes on, what has is built beside it. */
import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../src/contracts/config.ts';
import type { Tracer } from '../src/contracts/recording.ts';
import type { Logger } from '../src/log/logger.ts';
import type { Recorder } from '../src/metrics/recorder.ts';
import type { Telemetry } from '../src/telemetry/telemetry.ts';

/** Null settings: it is off, and nothing of it is loaded. */
export interface TelemetryLink {
  readonly settings: unknown;
  readonly telemetry: Telemetry | null;
}

export class WorkerTelemetry {
  readonly #log: Logger;
  readonly #recorder: Recorder;
  #link: TelemetryLink = off;

  constructor(log: Logger, recorder: Recorder) {
    this.#log = log;
    this.#recorder = recorder;
  }

  get tracer(): Tracer | null {
    return this.#link.telemetry === null ? null : this.#link.telemetry.tracer;
  }

  /** To be committed, or forgotten: nothing is sent before. */
  async prepare({ telemetry, logging, proxy }: Config): Promise<TelemetryLink> {
    const { otlp } = telemetry;
    if (otlp === null) return off;
    const settings = { otlp, withQuery: logging.query, port: proxy.port };
    if (isDeepStrictEqual(settings, this.#link.settings)) return this.#link;
    const { Telemetry } = await import('../src/telemetry/telemetry.ts');
    const recorder = this.#recorder;
    return {
      settings,
      telemetry: new Telemetry({
        ...settings,
        log: this.#log,
        count: (signal, outcome, records) => recorder.recordTelemetry(signal, outcome, records),
      }),
    };
  }

  commit(link: TelemetryLink): void {
    if (link === this.#link) return;
    this.#link.telemetry?.retire();
    this.#link = link;
    this.#log.copyTo(link.telemetry?.takeLine ?? null);
  }

  async flush(deadlineMs: number): Promise<void> {
    await this.#link.telemetry?.flush(deadlineMs);
  }
}

const off: TelemetryLink = { settings: null, telemetry: null };
