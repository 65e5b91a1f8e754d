/** What one process sends to the collector: spans of its exchanges and lines of its log. Loaded only where a config asks for it. */
import type { OtlpConfig } from '../contracts/config.ts';
import type { Exchange } from '../contracts/exchange.ts';
import type { Log } from '../contracts/log.ts';
import type { Tracer } from '../contracts/recording.ts';
import type { TelemetrySignal } from '../contracts/telemetry.ts';
import { clientSpan } from './client-span.ts';
import { logSender, spanSender } from './exporters.ts';
import { type FinishedSpan, sizeOfSpan } from './finished-span.ts';
import { toLogRecord } from './log-records.ts';
import { Outbox, type OutboxOptions } from './outbox.ts';
import { ExchangeRecording } from './recording.ts';
import { describeGateway } from './resource.ts';
import { serverSpan } from './server-span.ts';

export interface TelemetryOptions {
  readonly otlp: OtlpConfig;
  /** `proxy.port`: the gateway's name among others. */
  readonly port: number;
  /** `logging.query` */
  readonly withQuery: boolean;
  readonly log: Log;
  readonly count: (signal: TelemetrySignal, outcome: 'sent' | 'dropped', records: number) => void;
}

export class Telemetry {
  /** Null: no traces are sent. */
  readonly tracer: Tracer | null;
  /** What a log hands its lines to; null: they are not sent. */
  readonly takeLine: ((line: string) => void) | null;
  readonly #outboxes: Pick<Outbox<unknown>, 'flush' | 'retire'>[] = [];

  constructor(options: TelemetryOptions) {
    const { otlp } = options;
    this.tracer = otlp.traces ? this.#openTraces(options) : null;
    this.takeLine = otlp.logs ? this.#openLogs(options) : null;
  }

  /** Sends what there is, for so long at most; then nothing is left. */
  async flush(deadlineMs: number): Promise<void> {
    await Promise.all(this.#outboxes.map((outbox) => outbox.flush(deadlineMs)));
  }

  /** Another takes over; what exchanges under way still bring is sent as well as it goes. */
  retire(): void {
    for (const outbox of this.#outboxes) outbox.retire();
  }

  #openTraces(options: TelemetryOptions): Tracer {
    const settings = { resource: describeGateway(options.port), withQuery: options.withQuery };
    const outbox = this.#open<FinishedSpan>('traces', options, sizeOfSpan, spanSender(options.otlp));
    const sink = (recording: ExchangeRecording, x: Exchange, now: number): void => {
      outbox.push(serverSpan(x, recording, now, settings));
      for (let i = 0; i < recording.tries.length; i++) outbox.push(clientSpan(x, recording, i, now, settings));
    };
    return {
      sampleRatio: options.otlp.sampleRatio,
      record: (trace, now) => new ExchangeRecording(trace, Date.now() - now, sink),
    };
  }

  #openLogs(options: TelemetryOptions): (line: string) => void {
    const resource = describeGateway(options.port);
    const send = logSender(options.otlp);
    const outbox = this.#open<string>('logs', options, lengthOf, (lines) =>
      send(lines.map((line) => toLogRecord(line, resource))),
    );
    return (line) => outbox.push(line);
  }

  #open<T>(
    signal: TelemetrySignal,
    { otlp, log, count }: TelemetryOptions,
    sizeOf: OutboxOptions<T>['sizeOf'],
    send: OutboxOptions<T>['send'],
  ): Outbox<T> {
    let dropped = 0;
    const outbox = new Outbox<T>({
      send,
      sizeOf,
      intervalMs: otlp.intervalMs,
      onSettled: (outcome, records) => {
        if (outcome === 'dropped') dropped += records;
        count(signal, outcome, records);
      },
      onChange: (reason) => {
        if (reason === null) log.info({ signal, dropped }, `the collector takes ${signal} again`);
        else
          log.warn(
            { signal, reason },
            `the collector takes no ${signal}: they wait, and are dropped when it takes too long`,
          );
        dropped = 0;
      },
    });
    this.#outboxes.push(outbox);
    return outbox;
  }
}

function lengthOf(line: string): number {
  return line.length;
}
