/** The exposition text on its way to a worker, in pieces small enough that no message holds up an event loop. */
import type { ToSupervisor, ToWorker } from '../contracts/ipc.ts';

export type ScrapeAsked = Extract<ToSupervisor, { type: 'scrape' }>;
export type ScrapePiece = Extract<ToWorker, { type: 'scraped' }>;

/** Prometheus text format. */
export const expositionType = 'text/plain; version=0.0.4; charset=utf-8';

const maxPieceBytes = 64 * 1024;
const scrapeTimeoutMs = 5000;

/**
 * The supervisor's end: sends the text piece by piece, each when the one before has been written. No text at all says
 * that there is none to be had.
 */
export async function sendScraped(
  id: number,
  text: readonly Uint8Array[],
  send: (piece: ScrapePiece) => Promise<void>,
): Promise<void> {
  const pieces = text.flatMap((part) => cut(part));
  if (pieces.length === 0) pieces.push(new Uint8Array(0));
  for (const [i, chunk] of pieces.entries()) {
    await send({ type: 'scraped', id, chunk, last: i === pieces.length - 1 });
  }
}

function cut(part: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < part.length; at += maxPieceBytes) pieces.push(part.subarray(at, at + maxPieceBytes));
  return pieces;
}

/** The worker's end. */
export class ScrapeClient {
  readonly #ask: (message: ScrapeAsked) => void;
  #id = 0;
  #pieces: Uint8Array[] = [];
  #running: Promise<readonly Uint8Array[]> | null = null;
  #settle: { resolve: (text: readonly Uint8Array[]) => void; reject: (error: Error) => void } | null = null;

  constructor(ask: (message: ScrapeAsked) => void) {
    this.#ask = ask;
  }

  /** The exposition text; who asks while another waits gets the same answer. Rejects when the supervisor has none. */
  scrape(timeoutMs = scrapeTimeoutMs): Promise<readonly Uint8Array[]> {
    this.#running ??= this.#start(timeoutMs).finally(() => {
      this.#running = null;
      this.#settle = null;
      this.#pieces = [];
    });
    return this.#running;
  }

  /** The supervisor's `scraped`. */
  receive({ id, chunk, last }: ScrapePiece): void {
    if (id !== this.#id || this.#settle === null) return;
    if (chunk.length > 0) this.#pieces.push(chunk);
    if (!last) return;
    if (this.#pieces.length > 0) this.#settle.resolve(this.#pieces);
    else this.#settle.reject(new Error('the metrics registry is restarting'));
  }

  async #start(timeoutMs: number): Promise<readonly Uint8Array[]> {
    let timer: NodeJS.Timeout | undefined;
    const answer = new Promise<readonly Uint8Array[]>((resolve, reject) => {
      this.#settle = { resolve, reject };
      timer = setTimeout(() => reject(new Error('the supervisor did not answer a scrape in time')), timeoutMs);
    });
    this.#id++;
    this.#ask({ type: 'scrape', id: this.#id });
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
    }
  }
}
