/** Runs wrk against a URL and reads its report. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export interface LoadReport {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  /** Answers other than 2xx and 3xx, and connections that broke or timed out. */
  readonly failures: number;
}

export interface LoadShape {
  readonly connections: number;
  readonly seconds: number;
  /** The processor that wrk stays on; null: any. */
  readonly cpu: number | null;
  /** Sent with each request, as `name: value`. */
  readonly headers?: readonly string[];
}

/** `script`: a file in Lua that says what is sent; null: GET. */
export async function runWrk(url: string, shape: LoadShape, script: string | null = null): Promise<LoadReport> {
  const scripted = script === null ? [] : ['-s', script];
  const wrk = [
    'wrk',
    '--latency',
    '-t',
    '1',
    '-c',
    String(shape.connections),
    '-d',
    `${shape.seconds}s`,
    ...(shape.headers ?? []).flatMap((header) => ['-H', header]),
    ...scripted,
    url,
  ];
  const [program = '', ...args] = shape.cpu === null ? wrk : ['taskset', '-c', String(shape.cpu), ...wrk];
  const { stdout } = await promisify(execFile)(program, args, { timeout: (shape.seconds + 30) * 1000 });
  return readReport(stdout);
}

function readReport(text: string): LoadReport {
  const number = (pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? 0);
  const socketErrors =
    /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text)?.slice(1) ?? [];
  const failures = socketErrors.reduce((sum, count) => sum + Number(count), number(/Non-2xx or 3xx responses: (\d+)/));
  return {
    requests: number(/(\d+) requests in/),
    requestsPerSecond: number(/Requests\/sec:\s+([\d.]+)/),
    p50Ms: readMs(/\s50%\s+(\S+)/.exec(text)?.[1]),
    p90Ms: readMs(/\s90%\s+(\S+)/.exec(text)?.[1]),
    p99Ms: readMs(/\s99%\s+(\S+)/.exec(text)?.[1]),
    failures,
  };
}

/** wrk writes 512.00us, 1.50ms or 2.00s. */
function readMs(text = ''): number {
  const [, amount, unit] = /^([\d.]+)(us|ms|s)$/.exec(text) ?? [];
  if (unit === 'us') return Number(amount) / 1000;
  return unit === 's' ? Number(amount) * 1000 : Number(amount);
}
