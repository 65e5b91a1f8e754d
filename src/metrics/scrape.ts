/** The exposition text on its way to a worker, in pieces small enough that no message holds up an event loop. */
import type { ToSupervisor, ToWorker } from '../contracts/ipc.ts';
import type { ExpositionFormat } from './formats.ts';

export type ScrapeAsked = Extract<ToSupervisor, { type: 'scrape' }>;
export type ScrapePiece = Extract<ToWorker, { type: 'scraped' }>;

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

type Text = readonly Uint8Array[];

interface Pending {
  readonly pieces: Uint8Array[];
  readonly resolve: (text: Text) => void;
  readonly reject: (error: Error) => void;
}

/** The worker's end. */
export class ScrapeClient {
  readonly #ask: (message: ScrapeAsked) => void;
  #id = 0;
  readonly #running = new Map<ExpositionFormat, Promise<Text>>();
  readonly #pending = new Map<number, Pending>();

  constructor(ask: (message: ScrapeAsked) => void) {
    this.#ask = ask;
  }

  /** The exposition text; who asks while another waits for the same gets its answer. Rejects when the supervisor has none. */
  scrape(format: ExpositionFormat, timeoutMs = scrapeTimeoutMs): Promise<Text> {
    let running = this.#running.get(format);
    if (running === undefined) {
      running = this.#start(format, timeoutMs).finally(() => this.#running.delete(format));
      this.#running.set(format, running);
    }
    return running;
  }

  /** The supervisor's `scraped`. */
  receive({ id, chunk, last }: ScrapePiece): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    if (chunk.length > 0) pending.pieces.push(chunk);
    if (!last) return;
    if (pending.pieces.length > 0) pending.resolve(pending.pieces);
    else pending.reject(new Error('the metrics registry is restarting'));
  }

  async #start(format: ExpositionFormat, timeoutMs: number): Promise<Text> {
    const id = ++this.#id;
    let timer: NodeJS.Timeout | undefined;
    const answer = new Promise<Text>((resolve, reject) => {
      this.#pending.set(id, { pieces: [], resolve, reject });
      timer = setTimeout(() => reject(new Error('the supervisor did not answer a scrape in time')), timeoutMs);
    });
    this.#ask({ type: 'scrape', id, format });
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
      this.#pending.delete(id);
    }
  }
}
