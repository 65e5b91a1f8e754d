/** Reads a body to its end, within what a client may take in bytes, silence and time. */
import type { IncomingMessage } from 'node:http';
import { performance } from 'node:perf_hooks';
import type { Exchange } from '../src/contracts/exchange.ts';
import type { Refusal } from '../src/contracts/refusal.ts';
import { noteStreamed } from '../src/core/streamed-memory.ts';
import { type BodyFault, bodyRefusals } from './body-faults.ts';
import type { GrowingBody } from './collected-bodies.ts';

export interface CollectionLimits {
  readonly maxBytes: number;
  /** Silence of the client; 0: none. */
  readonly idleMs: number;
  /** Of the exchange, from its beginning; 0: none. */
  readonly timeoutMs: number;
}

export class BodyCollection {
  readonly #request: IncomingMessage;
  readonly #exchange: Exchange;
  readonly #limits: CollectionLimits;
  readonly #body: GrowingBody;
  #settle: (outcome: 'whole' | 'no room' | Refusal) => void = () => {};
  #idleTimer: NodeJS.Timeout | null = null;
  #deadline: NodeJS.Timeout | null = null;
  #isOver = false;
  /** What came and found no room. */
  rest: Buffer | null = null;

  constructor(request: IncomingMessage, exchange: Exchange, limits: CollectionLimits, body: GrowingBody) {
    this.#request = request;
    this.#exchange = exchange;
    this.#limits = limits;
    this.#body = body;
  }

  run(): Promise<'whole' | 'no room' | Refusal> {
    const { idleMs, timeoutMs } = this.#limits;
    const outcome = new Promise<'whole' | 'no room' | Refusal>((resolve) => {
      this.#settle = resolve;
    });
    if (idleMs > 0) this.#idleTimer = setTimeout(() => this.fail('too slow'), idleMs);
    if (timeoutMs > 0) {
      const leftMs = timeoutMs - (performance.now() - this.#exchange.startedAt);
      this.#deadline = setTimeout(() => this.fail('too slow'), Math.max(leftMs, 0));
    }
    this.#request.on('data', this.#take).on('end', this.#finish).on('error', this.#stop);
    return outcome;
  }

  fail(why: BodyFault): void {
    const refused = bodyRefusals[why];
    if (refused !== null) this.#end(refused);
  }

  readonly #take = (chunk: Buffer): void => {
    this.#exchange.bytesIn += chunk.length;
    if (this.#exchange.bytesIn > this.#limits.maxBytes) {
      this.fail('too large');
      return;
    }
    noteStreamed(chunk.length);
    this.#idleTimer?.refresh();
    if (this.#body.add(chunk)) return;
    this.rest = chunk;
    this.#end('no room');
  };

  readonly #finish = (): void => this.#end('whole');

  /** The client has gone: its exchange ends with its connection, and nobody waits for an outcome. */
  readonly #stop = (): void => this.#leave();

  #end(outcome: 'whole' | 'no room' | Refusal): void {
    if (this.#isOver) return;
    this.#leave();
    // Somebody else may want the rest; of a refused body it is thrown away until its connection closes.
    if (outcome === 'no room') this.#request.pause();
    else this.#request.resume();
    this.#settle(outcome);
  }

  #leave(): void {
    this.#isOver = true;
    if (this.#idleTimer !== null) clearTimeout(this.#idleTimer);
    if (this.#deadline !== null) clearTimeout(this.#deadline);
    this.#request.off('data', this.#take).off('end', this.#finish);
  }
}
