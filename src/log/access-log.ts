/**
 * One line per finished request, as JSON put together by hand: it is written for every request, and all but the values
 * is known beforehand. Header fields are never read here, so no key, cookie or Authorization can slip in.
 */
import type { LoggingConfig } from '../contracts/config.ts';
import type { Exchange } from '../contracts/exchange.ts';
import type { Logger } from './logger.ts';

export interface AccessLogOptions {
  readonly logger: Pick<Logger, 'writes' | 'writeLine'>;
  readonly worker: string;
  /** 0 ≤ random() < 1 */
  readonly random: () => number;
  /** Whether the worker has better things to do than to write lines. */
  readonly overload: { readonly thinsLog: boolean };
}

/** Levels as pino counts them. A 4xx is the client's doing, and no more than information about the gateway. */
const info = 30;
const warn = 40;
const error = 50;

/** Longer ones are cut, or a single line could fill a write. */
const maxPathLength = 2000;

export class AccessLog {
  readonly #logger: Pick<Logger, 'writes' | 'writeLine'>;
  readonly #random: () => number;
  readonly #overload: AccessLogOptions['overload'];
  readonly #workerField: string;
  #successRate = 1;
  #errorRate = 1;
  #withQuery = false;

  constructor({ logger, worker, random, overload }: AccessLogOptions) {
    this.#overload = overload;
    this.#logger = logger;
    this.#random = random;
    this.#workerField = `,"worker":${quote(worker)},"msg":"request","requestId":`;
  }

  configure({ query, sampling }: Pick<LoggingConfig, 'query' | 'sampling'>): void {
    this.#withQuery = query;
    this.#successRate = sampling.successRate;
    this.#errorRate = sampling.errorRate;
  }

  /** Called once when the exchange is over. `nowMs` is the wall clock. */
  write(x: Exchange, durationMs: number, nowMs: number): void {
    const level = levelOf(x);
    const fullRate = x.status >= 500 || x.aborted ? this.#errorRate : this.#successRate;
    const rate = this.#overload.thinsLog ? thin(fullRate) : fullRate;
    if (rate < 1 && this.#random() >= rate) return;
    if (!this.#logger.writes(level)) return;
    this.#logger.writeLine(this.#line(x, level, rate, durationMs, nowMs));
  }

  #line(x: Exchange, level: number, rate: number, durationMs: number, nowMs: number): string {
    const { head, upstream, target } = x;
    let line = `{"level":${level},"time":${nowMs}${this.#workerField}${quote(x.id)},"traceId":"${x.trace.traceId}"`;
    if (x.recording !== null) line += `,"spanId":"${x.recording.spanId}"`;
    line += `,"clientIp":${quote(head.client.ip)},"method":${quote(head.method)},"host":${quote(head.host)}`;
    line += `,"path":${quote(this.#pathOf(x))},"route":${quote(x.route === null ? 'none' : x.route.label)}`;
    line += `,"status":${x.status}`;
    if (x.refusal !== null) line += `,"code":"${x.refusal.code}"`;
    if (x.failure !== '') line += `,"error":${quote(x.failure)}`;
    line += `,"durationMs":${round(durationMs)}`;
    if (upstream !== null) line += `,"upstream":${quote(upstream.name)}`;
    if (x.fallbackFor !== '') line += `,"fallbackFor":${quote(x.fallbackFor)}`;
    if (target !== null && x.attempts > 0) {
      line += `,"target":${quote(target.label)},"upstreamMs":${round(x.upstreamMs)},"attempts":${x.attempts}`;
    }
    if (x.consumer !== '') line += `,"consumer":${quote(x.consumer)}`;
    line += `,"bytesIn":${x.bytesIn},"bytesOut":${x.bytesOut}`;
    if (x.aborted) line += ',"aborted":true';
    if (x.shadow.length > 0) line += `,"shadow":${JSON.stringify(x.shadow)}`;
    return `${line},"sampleRate":${rate}}\n`;
  }

  #pathOf({ head }: Exchange): string {
    const end = this.#withQuery ? head.target.length : head.queryAt;
    return end > maxPathLength ? `${head.target.slice(0, maxPathLength)}…` : head.target.slice(0, end);
  }
}

function levelOf(x: Exchange): number {
  // What /health/ready says to a probe is no error of a request, though it is kept like one.
  if (x.status >= 500 && !(x.route === null && x.head.path.startsWith('/health/'))) return error;
  return x.aborted ? warn : info;
}

/** An overloaded worker writes one line of ten. */
function thin(rate: number): number {
  // Without the digits that binary fractions add: 0.7 / 10 is 0.06999….
  return Math.round(rate * 1e8) / 1e9;
}

/** Two decimals are a hundredth of a millisecond. */
function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}

/** A JSON string. Nearly all of them need no escape, and looking is cheaper than JSON.stringify. */
function quote(text: string): string {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code > 0x7e || code === 0x22 || code === 0x5c) return JSON.stringify(text);
  }
  return `"${text}"`;
}
