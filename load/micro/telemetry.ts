/**
 * What traces and log lines cost the event loop of a worker on their way to a collector: making the spans of an exchange
 * with one try, and writing batches as protobuf, beside what it would take to hand them to a thread.
 *
 *   bin/pinned-node load/micro/telemetry.ts
 */
import { createRequire } from 'node:module';
import type { Exchange, RequestHead } from '../../src/contracts/exchange.ts';
import type { Target } from '../../src/contracts/upstream.ts';
import { continueTrace } from '../../src/core/trace-context.ts';
import { clientSpan } from '../../src/telemetry/client-span.ts';
import type { FinishedSpan } from '../../src/telemetry/finished-span.ts';
import { toLogRecord } from '../../src/telemetry/log-records.ts';
import { ExchangeRecording } from '../../src/telemetry/recording.ts';
import { describeGateway } from '../../src/telemetry/resource.ts';
import { serverSpan } from '../../src/telemetry/server-span.ts';

interface Serializer<T> {
  serializeRequest(items: T): Uint8Array;
}

// The exporters' own, which the gateway does not name.
const exporters = createRequire(createRequire(import.meta.url).resolve('@opentelemetry/exporter-trace-otlp-proto'));
const { ProtobufTraceSerializer, ProtobufLogsSerializer } = exporters('@opentelemetry/otlp-transformer') as {
  readonly ProtobufTraceSerializer: Serializer<readonly FinishedSpan[]>;
  readonly ProtobufLogsSerializer: Serializer<readonly ReturnType<typeof toLogRecord>[]>;
};

const settings = { resource: describeGateway(3000), withQuery: false };
const target = { label: '127.0.0.1:8080', hostHeader: '127.0.0.1:8080', basePath: '', servername: null };
const head: Partial<RequestHead> = {
  method: 'GET',
  target: '/api/users/7?a=b',
  queryAt: 12,
  host: 'api.example.com',
  authority: 'api.example.com',
  rawHeaders: ['Host', 'api.example.com', 'User-Agent', 'wrk/4', 'Accept', '*/*'],
  versionMinor: 1,
  scheme: 'http',
};
const x = {
  head: { ...head, client: { ip: '192.0.2.7' } },
  id: '95d060281eb71ad804cdfefdf8dba6e9',
  route: { path: '/api/*', label: 'api' },
  upstream: { name: 'api' },
  status: 200,
  startedAt: 10,
  attempts: 1,
  shadow: [],
  refusal: null,
  consumer: '',
  fallbackFor: '',
  bytesIn: 0,
  bytesOut: 1000,
} as unknown as Exchange;
const line =
  '{"level":30,"time":1795399864685,"worker":"1","msg":"request","requestId":"95d060281eb71ad804cdfefdf8dba6e9",' +
  '"traceId":"ac5d12ee75cbcbfd7ef0669b7a094ff3","clientIp":"192.0.2.7","method":"GET","host":"api.example.com",' +
  '"path":"/api/users/7","route":"api","status":200,"durationMs":4.04,"upstream":"api","target":"127.0.0.1:8080",' +
  '"upstreamMs":3.81,"attempts":1,"bytesIn":0,"bytesOut":1000,"sampleRate":1}\n';

function makeSpans(): FinishedSpan[] {
  const recording = new ExchangeRecording(continueTrace([], [], 1), 1_795_399_864_685, () => {});
  recording.tryBegan(target as unknown as Target, 'api', '/api/users/7?a=b', 11);
  recording.tryEnded('success', 200, '', 12);
  recording.answerEnded(13);
  return [serverSpan(x, recording, 14, settings), clientSpan(x, recording, 0, 14, settings)];
}

const spans = Array.from({ length: 64 }, makeSpans).flat();
const lines = Array.from({ length: 128 }, () => line);
const plain = JSON.parse(
  JSON.stringify(spans.map((span) => Object.assign({}, span, { resource: null }, span.spanContext()))),
) as object;

console.log('| what | µs |\n|---|---:|');
measure('a trace begins, none is recorded', 200_000, () => continueTrace([], [], 0));
measure('a trace begins, a tenth is recorded', 200_000, () => continueTrace([], [], 0.1));
measure('two spans are made', 20_000, makeSpans);
measure('128 spans are written', 200, () => ProtobufTraceSerializer.serializeRequest(spans));
measure('128 spans are cloned for a thread', 200, () => structuredClone(plain));
measure('128 log lines are read and written', 200, () =>
  ProtobufLogsSerializer.serializeRequest(lines.map((text) => toLogRecord(text, settings.resource))),
);

/** The processor time of one call; the best of five, since the machine may have other things to do. */
function measure(what: string, times: number, call: () => unknown): void {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 6; round++) {
    const before = process.cpuUsage();
    for (let i = 0; i < times; i++) call();
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / times);
  }
  console.log(`| ${what} | ${best.toFixed(best < 10 ? 2 : 0)} |`);
}
