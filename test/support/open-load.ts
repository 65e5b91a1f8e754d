/** Clients that come when they come, whether or not those before them have been answered: load that does not slow down with the server. */
import http from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

export interface Stream {
  readonly path: string;
  readonly perSecond: number;
}

export interface Outcome {
  readonly path: string;
  /** 0: no answer, or a cut one. */
  readonly status: number;
  readonly latencyMs: number;
}

/** Resolves with every request's outcome when all have one. */
export async function sendOpenLoad(url: string, streams: readonly Stream[], seconds: number): Promise<Outcome[]> {
  const agent = new http.Agent({ keepAlive: true, maxFreeSockets: 4096 });
  const outcomes = await Promise.all(streams.map((stream) => sendStream(url, stream, seconds, agent)));
  agent.destroy();
  return outcomes.flat();
}

async function sendStream(url: string, stream: Stream, seconds: number, agent: http.Agent): Promise<Outcome[]> {
  const sent: Promise<Outcome>[] = [];
  const startedAt = performance.now();
  const count = Math.round(stream.perSecond * seconds);
  while (sent.length < count) {
    // Timers are coarse: each turn sends what is due by now.
    const due = Math.min(count, Math.floor(((performance.now() - startedAt) / 1000) * stream.perSecond) + 1);
    while (sent.length < due) sent.push(sendOne(url, stream.path, agent));
    await delay(2);
  }
  return await Promise.all(sent);
}

function sendOne(url: string, path: string, agent: http.Agent): Promise<Outcome> {
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const end = (status: number): void => resolve({ path, status, latencyMs: performance.now() - startedAt });
    const request = http.get(`${url}${path}`, { agent, timeout: 30_000 }, (response) => {
      response.resume();
      response.on('end', () => end(response.complete ? (response.statusCode ?? 0) : 0));
      response.on('error', () => end(0));
    });
    request.on('timeout', () => request.destroy(new Error('no answer in 30 s')));
    request.on('error', () => end(0));
  });
}

/** 0.99: the latency that all but one of a hundred stay below. */
export function percentile(outcomes: readonly Outcome[], share: number): number {
  const sorted = outcomes.map(({ latencyMs }) => latencyMs).sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
