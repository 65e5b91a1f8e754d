/** All kinds of requests at once, with hardly a pause: short ones (see load.ts), slow bodies and slow answers. Every failure is remembered. */
import { once } from 'node:events';
import http, { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { startLoad } from './load.ts';

export interface MixedLoad {
  /** Resolves when one more of each kind has begun and ended. */
  round(): Promise<void>;
  /** The failures of all. */
  stop(): Promise<string[]>;
}

const pieces = 5;
const betweenPiecesMs = 30;

/** Takes any body, and answers `/slow` in pieces. */
export async function startSlowUpstream(): Promise<string> {
  const server = createServer((request, answer) => void respond(request, answer)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function respond(request: http.IncomingMessage, answer: http.ServerResponse): Promise<void> {
  let bytes = 0;
  for await (const chunk of request) bytes += (chunk as Buffer).length;
  if (request.url !== '/slow') return void answer.end(String(bytes));
  for (let i = 0; i < pieces; i++) {
    answer.write('piece ');
    await delay(betweenPiecesMs);
  }
  answer.end('last');
}

export function startMixedLoad(url: string): MixedLoad {
  const short = startLoad(`${url}/short`, { persistent: 2, fresh: 2, pauseMs: 10 });
  const slow = [keepOn(() => upload(`${url}/upload`)), keepOn(() => download(`${url}/slow`))];
  return {
    async round() {
      await Promise.all([short.more(4), ...slow.map((kind) => kind.oneMore())]);
    },
    async stop() {
      const { failures } = await short.stop();
      return [...failures, ...(await Promise.all(slow.map((kind) => kind.stop()))).flat()];
    },
  };
}

/** One after the other, each on a connection of its own. */
function keepOn(send: () => Promise<void>): { oneMore(): Promise<void>; stop(): Promise<string[]> } {
  const failures: string[] = [];
  let running = true;
  after(() => {
    running = false;
  });
  let ended = 0;
  const all = (async () => {
    while (running) {
      await send().catch((error: Error) => failures.push(error.message));
      ended++;
    }
  })();
  return {
    async oneMore() {
      // The one under way may have begun before.
      for (const until = ended + 2; ended < until; ) await delay(10);
    },
    async stop() {
      running = false;
      await all;
      return failures;
    },
  };
}

async function upload(url: string): Promise<void> {
  const request = http.request(url, { method: 'POST', agent: false });
  const answered = once(request, 'response') as Promise<[http.IncomingMessage]>;
  for (let i = 0; i < pieces; i++) {
    request.write('piece ');
    await delay(betweenPiecesMs);
  }
  request.end();
  await expect('upload', await answered, String(pieces * 'piece '.length));
}

async function download(url: string): Promise<void> {
  const request = http.get(url, { agent: false });
  await expect(
    'download',
    (await once(request, 'response')) as [http.IncomingMessage],
    `${'piece '.repeat(pieces)}last`,
  );
}

async function expect(kind: string, [answer]: [http.IncomingMessage], whole: string): Promise<void> {
  let text = '';
  for await (const chunk of answer) text += String(chunk);
  if (answer.statusCode !== 200 || text !== whole) throw new Error(`${kind}: ${answer.statusCode} "${text}"`);
}
