/**
 * Clients that send requests without pause, half of them on connections of their own, and remember every failure. Nothing is
 * tried again, but for what no client can know: that the connection it kept has been closed while it stood still itself.
 */
import http from 'node:http';
import { after } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';

export interface LoadResult {
  readonly answered: number;
  /** Errors, cut answers, and statuses other than 200. */
  readonly failures: readonly string[];
}

export interface Load {
  /** Requests answered so far. */
  answered(): number;
  /** Resolves when so many more have been answered. */
  more(count: number): Promise<void>;
  stop(): Promise<LoadResult>;
}

export interface LoadOptions {
  /** Whose connections are kept alive. = 4 */
  readonly persistent?: number;
  /** With a connection for each request. = 4 */
  readonly fresh?: number;
  /** Between an answer and the next request. = 0 */
  readonly pauseMs?: number;
}

/** A gateway that drains closes connections which have been silent for a second. */
const silenceMs = 900;

export function startLoad(url: string, { persistent = 4, fresh = 4, pauseMs = 0 }: LoadOptions = {}): Load {
  let running = true;
  // A test that fails before it stops the load must end all the same.
  after(() => {
    running = false;
  });
  let answered = 0;
  const failures: string[] = [];
  let watchers: { readonly at: number; readonly resolve: () => void }[] = [];

  const repeat = async (agent: http.Agent, kind: string): Promise<void> => {
    let lastAskedAt = performance.now();
    while (running) {
      const silentSince = lastAskedAt;
      lastAskedAt = performance.now();
      try {
        const status = await get(url, agent);
        if (status !== 200) failures.push(`${kind}: status ${status}`);
      } catch (error) {
        const isLate = performance.now() - silentSince > silenceMs;
        if (error instanceof ClosedMeanwhile && isLate) continue;
        failures.push(`${kind}: ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
      }
      answered++;
      const due = watchers.filter(({ at }) => at <= answered);
      watchers = watchers.filter(({ at }) => at > answered);
      for (const { resolve } of due) resolve();
      if (pauseMs > 0) await delay(pauseMs);
    }
    agent.destroy();
  };
  const clients = [
    ...Array.from({ length: persistent }, () => repeat(new http.Agent({ keepAlive: true, maxSockets: 1 }), 'kept')),
    ...Array.from({ length: fresh }, () => repeat(new http.Agent({ keepAlive: false }), 'fresh')),
  ];
  return {
    answered: () => answered,
    more: (count) => new Promise((resolve) => watchers.push({ at: answered + count, resolve })),
    async stop() {
      running = false;
      await Promise.all(clients);
      return { answered, failures };
    },
  };
}

/** A connection that has carried requests before was closed, and no byte of an answer came. */
class ClosedMeanwhile extends Error {
  readonly code = 'ECONNRESET on a kept connection';
}

/** Resolves with the status once the whole answer has come; rejects when it is cut. */
function get(url: string, agent: http.Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent, timeout: 60_000 }, (response) => {
      response.resume();
      response.on('end', () => {
        if (response.complete) resolve(response.statusCode ?? 0);
        else reject(new Error('cut answer'));
      });
      response.on('error', reject);
    });
    // A gateway that is being started on a busy machine lets them wait for long.
    request.on('timeout', () => request.destroy(new Error('no answer in 60 s')));
    request.on('error', (error: NodeJS.ErrnoException) => {
      const isClosed = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      reject(isClosed ? new ClosedMeanwhile() : error);
    });
  });
}
