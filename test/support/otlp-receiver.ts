/**
 * A collector: takes OTLP over HTTP as a real one does and keeps what it is told, decoded by code that was generated from
 * the official definitions.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createRequire } from 'node:module';
import type { AddressInfo, Socket } from 'node:net';
import { after } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { eventually } from './deadline.ts';

export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty: none. */
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: 'SERVER' | 'CLIENT' | 'OTHER';
  readonly status: 'UNSET' | 'OK' | 'ERROR';
  readonly traceState: string;
  /** Milliseconds since 1970. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly { readonly name: string; readonly attributes: Readonly<Record<string, unknown>> }[];
  readonly resource: Readonly<Record<string, unknown>>;
}

export interface ReceivedLog {
  readonly traceId: string;
  readonly spanId: string;
  readonly severity: number;
  readonly body: unknown;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly resource: Readonly<Record<string, unknown>>;
}

/** A series, as it was last told. */
export interface ReceivedSeries {
  readonly labels: Readonly<Record<string, unknown>>;
  /** Of a counter or gauge; of a histogram the sum. */
  readonly value: number;
  readonly count: number;
  readonly bounds: readonly number[];
  readonly buckets: readonly number[];
}

export interface ReceivedMetric {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly isCumulative: boolean;
  readonly series: readonly ReceivedSeries[];
}

export interface OtlpReceiver {
  readonly url: string;
  readonly spans: ReceivedSpan[];
  readonly logs: ReceivedLog[];
  readonly metrics: Map<string, ReceivedMetric>;
  /** Of each request: its path and fields. */
  readonly requests: { readonly path: string; readonly headers: IncomingMessage['headers'] }[];
  /** What it answers from now on; `nothing` leaves requests without an answer. = 200 */
  answer: number | 'nothing';
  /** The spans of a trace, the server's first, once all have come. */
  trace(traceId: string, spans: number): Promise<ReceivedSpan[]>;
  close(): Promise<void>;
  /** Listens on its port again, after `close`. */
  open(): Promise<void>;
}

/** Listens on a free port of 127.0.0.1 until the test or file that started it is over. `tls`: PEM texts. */
export async function otlpReceiver(
  tls: { readonly cert: string; readonly key: string } | null = null,
): Promise<OtlpReceiver> {
  const sockets = new Set<Socket>();
  const take = (request: IncomingMessage, response: ServerResponse): void => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const path = request.url ?? '';
      receiver.requests.push({ path, headers: request.headers });
      if (receiver.answer === 'nothing') return;
      const body = Buffer.concat(pieces);
      if (receiver.answer === 200) keep(path, request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body);
      response.writeHead(receiver.answer, { 'content-type': 'application/x-protobuf' }).end();
    });
  };
  const server = tls === null ? createServer(take) : createTlsServer({ ...tls }, take);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  const listen = async (port: number): Promise<void> => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;

  const keep = (path: string, body: Buffer): void => {
    if (path.endsWith('/v1/traces')) receiver.spans.push(...readSpans(body));
    else if (path.endsWith('/v1/logs')) receiver.logs.push(...readLogs(body));
    else if (path.endsWith('/v1/metrics'))
      for (const [name, metric] of readMetrics(body)) receiver.metrics.set(name, metric);
  };
  const receiver: OtlpReceiver = {
    url: `${tls === null ? 'http' : 'https'}://127.0.0.1:${port}`,
    spans: [],
    logs: [],
    metrics: new Map(),
    requests: [],
    answer: 200,
    trace: (traceId, spans) =>
      eventually(() => {
        const found = receiver.spans.filter((span) => span.traceId === traceId);
        return found.length < spans ? null : found.sort((a, b) => rank(a) - rank(b) || a.startMs - b.startMs);
      }, `${spans} spans of ${traceId}`),
    async close() {
      for (const socket of sockets) socket.destroy();
      if (!server.listening) return;
      server.close();
      await once(server, 'close');
    },
    open: () => listen(port),
  };
  after(() => receiver.close());
  return receiver;
}

function rank({ kind }: ReceivedSpan): number {
  return kind === 'SERVER' ? 0 : 1;
}

// ---- the official messages ----

/** The generated code comes without types. */
interface Message {
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly [field: string]: any;
}

interface Decoder {
  decode(bytes: Buffer): Message;
  toObject(message: Message, options: object): Message;
}

const { opentelemetry } = createRequire(import.meta.url)('otlp-definitions/build/src/generated/root.js') as Message;
const { trace, logs, metrics } = opentelemetry.proto.collector as Readonly<
  Record<'trace' | 'logs' | 'metrics', Message>
>;

function decode(decoder: Decoder, body: Buffer): Message {
  return decoder.toObject(decoder.decode(body), { longs: Number, enums: String, bytes: Buffer, defaults: true });
}

function readSpans(body: Buffer): ReceivedSpan[] {
  const request = decode(trace['v1'].ExportTraceServiceRequest, body);
  return request['resourceSpans'].flatMap(({ resource, scopeSpans }: Message) =>
    scopeSpans.flatMap(({ spans }: Message) =>
      spans.map((span: Message) => ({
        traceId: span['traceId'].toString('hex'),
        spanId: span['spanId'].toString('hex'),
        parentSpanId: span['parentSpanId'].toString('hex'),
        name: span['name'],
        kind: kinds[span['kind']] ?? 'OTHER',
        status: (span['status']?.code ?? 'STATUS_CODE_UNSET').slice('STATUS_CODE_'.length),
        traceState: span['traceState'],
        startMs: span['startTimeUnixNano'] / 1e6,
        endMs: span['endTimeUnixNano'] / 1e6,
        attributes: readAttributes(span['attributes']),
        events: span['events'].map((event: Message) => ({
          name: event['name'],
          attributes: readAttributes(event['attributes']),
        })),
        resource: readAttributes(resource.attributes),
      })),
    ),
  );
}

const kinds: Readonly<Record<string, ReceivedSpan['kind']>> = {
  SPAN_KIND_SERVER: 'SERVER',
  SPAN_KIND_CLIENT: 'CLIENT',
};

function readLogs(body: Buffer): ReceivedLog[] {
  const request = decode(logs['v1'].ExportLogsServiceRequest, body);
  return request['resourceLogs'].flatMap(({ resource, scopeLogs }: Message) =>
    scopeLogs.flatMap(({ logRecords }: Message) =>
      logRecords.map((record: Message) => ({
        traceId: record['traceId'].toString('hex'),
        spanId: record['spanId'].toString('hex'),
        severity: severityNumbers[record['severityNumber']] ?? record['severityNumber'],
        body: readValue(record['body']),
        attributes: readAttributes(record['attributes']),
        resource: readAttributes(resource.attributes),
      })),
    ),
  );
}

const severityNumbers: Readonly<Record<string, number>> = opentelemetry.proto.logs.v1.SeverityNumber;

function readMetrics(body: Buffer): [string, ReceivedMetric][] {
  const request = decode(metrics['v1'].ExportMetricsServiceRequest, body);
  return request['resourceMetrics'].flatMap(({ scopeMetrics }: Message) =>
    scopeMetrics.flatMap((scope: Message) =>
      scope['metrics'].map((metric: Message): [string, ReceivedMetric] => [metric['name'], readMetric(metric)]),
    ),
  );
}

function readMetric({ sum, gauge, histogram }: Message): ReceivedMetric {
  const data = sum ?? gauge ?? histogram;
  return {
    kind: sum !== undefined ? 'counter' : gauge !== undefined ? 'gauge' : 'histogram',
    isCumulative: data.aggregationTemporality === 'AGGREGATION_TEMPORALITY_CUMULATIVE',
    series: data.dataPoints.map((point: Message) => ({
      labels: readAttributes(point['attributes']),
      value: point['sum'] ?? point['asDouble'] ?? point['asInt'] ?? 0,
      count: point['count'] ?? 0,
      bounds: point['explicitBounds'] ?? [],
      buckets: point['bucketCounts'] ?? [],
    })),
  };
}

function readAttributes(list: readonly Message[]): Record<string, unknown> {
  return Object.fromEntries(list.map(({ key, value }) => [key, readValue(value)]));
}

function readValue(value: Message | null): unknown {
  if (value === null) return null;
  if (value['arrayValue']) return value['arrayValue'].values.map(readValue);
  if (value['kvlistValue']) return readAttributes(value['kvlistValue'].values);
  return value['stringValue'] ?? value['intValue'] ?? value['doubleValue'] ?? value['boolValue'] ?? null;
}
