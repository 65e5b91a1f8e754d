/**
 * What waits for the collector: a bounded queue that is sent in batches, one at a time. A collector that does not answer
 * is asked ever more seldom, and what comes meanwhile waits, then is dropped and counted: nothing grows, nobody waits.
 */

export type SendResult =
  | { readonly outcome: 'sent' }
  /** The collector has answered that it does not want this: it will not want it a second time either. */
  | { readonly outcome: 'refused'; readonly reason: string }
  /** It could not be reached, or did not answer: it may yet take this. */
  | { readonly outcome: 'failed'; readonly reason: string };

export interface OutboxOptions<T> {
  /** Never rejects. */
  readonly send: (batch: T[]) => Promise<SendResult>;
  /** About how many bytes an item keeps in memory. */
  readonly sizeOf: (item: T) => number;
  /** How long an item waits for company. */
  readonly intervalMs: number;
  /** How many items have gone, or were given up. */
  readonly onSettled: (outcome: 'sent' | 'dropped', items: number) => void;
  /** The collector has begun to fail, with its reason, or works again: null. */
  readonly onChange: (reason: string | null) => void;
}

/** Small enough that the event loop hardly notices when a batch is written as protobuf: about a millisecond. */
const batchSize = 128;
const maxQueued = 4096;
/** Clients can make spans and lines long: many such are not worth the memory that requests need. */
const maxQueuedBytes = 8 * 1024 * 1024;
const restMs = { first: 1_000, last: 30_000 };

export class Outbox<T> {
  readonly #options: OutboxOptions<T>;
  #queue: T[] = [];
  #queuedBytes = 0;
  #state: 'idle' | 'gathering' | 'sending' | 'resting' = 'idle';
  #timer: NodeJS.Timeout | null = null;
  /** In a row. */
  #failures = 0;
  #isFailing = false;
  /** No later item will bring it to life again: what can't be sent now is given up. */
  #isRetired = false;
  #sending: Promise<void> = Promise.resolve();

  constructor(options: OutboxOptions<T>) {
    this.#options = options;
  }

  push(item: T): void {
    if (this.#queue.length >= maxQueued || this.#queuedBytes >= maxQueuedBytes) {
      this.#options.onSettled('dropped', 1);
      return;
    }
    this.#queue.push(item);
    this.#queuedBytes += this.#options.sizeOf(item);
    if (this.#state === 'idle') this.#wait('gathering', this.#options.intervalMs);
    else if (this.#state === 'gathering' && this.#queue.length >= batchSize) this.#begin();
  }

  /** Sends what there is, for so long at most, and gives up the rest. */
  async flush(deadlineMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, deadlineMs);
    });
    await Promise.race([this.#sendAll(), late]);
    clearTimeout(timer);
    this.#drop(this.#takeFirst(this.#queue.length));
  }

  /** Its successor takes over: what is here is sent if the collector takes it at once. */
  retire(): void {
    this.#isRetired = true;
    if (this.#state === 'gathering' || this.#state === 'resting') this.#begin();
  }

  #begin(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#state = 'sending';
    this.#sending = this.#sendBatches();
  }

  /** Until nothing is left, or the collector fails. */
  async #sendAll(): Promise<void> {
    if (this.#state !== 'sending' && this.#queue.length > 0) this.#begin();
    await this.#sending;
    if (this.#queue.length > 0 && this.#failures === 0) await this.#sendAll();
  }

  /** Full batches one after the other; what is left waits for company again. */
  async #sendBatches(): Promise<void> {
    // The answers of this turn of the event loop go first.
    await new Promise((resolve) => setImmediate(resolve));
    do {
      const batch = this.#takeFirst(batchSize);
      if (batch.length > 0) this.#settle(batch, await this.#options.send(batch));
    } while (this.#failures === 0 && this.#queue.length >= batchSize);
    if (this.#queue.length === 0) this.#state = 'idle';
    else if (this.#failures > 0) this.#wait('resting', restAfter(this.#failures));
    else this.#wait('gathering', this.#options.intervalMs);
  }

  #settle(batch: T[], result: SendResult): void {
    switch (result.outcome) {
      case 'sent':
        this.#failures = 0;
        this.#options.onSettled('sent', batch.length);
        this.#notice(null);
        return;
      case 'refused':
        this.#failures = 0;
        this.#drop(batch);
        this.#notice(result.reason);
        return;
      case 'failed':
        this.#failures++;
        this.#putBack(batch);
        if (this.#isRetired) this.#drop(this.#takeFirst(this.#queue.length));
        this.#notice(result.reason);
    }
  }

  #takeFirst(items: number): T[] {
    const taken = this.#queue.splice(0, items);
    for (const item of taken) this.#queuedBytes -= this.#options.sizeOf(item);
    return taken;
  }

  #putBack(items: readonly T[]): void {
    this.#queue = items.concat(this.#queue);
    for (const item of items) this.#queuedBytes += this.#options.sizeOf(item);
  }

  #drop(items: readonly T[]): void {
    if (items.length > 0) this.#options.onSettled('dropped', items.length);
  }

  #notice(reason: string | null): void {
    const isFailing = reason !== null;
    if (isFailing === this.#isFailing || this.#isRetired) return;
    this.#isFailing = isFailing;
    this.#options.onChange(reason);
  }

  #wait(state: 'gathering' | 'resting', ms: number): void {
    this.#state = state;
    // Nobody stays alive for the sake of telling.
    this.#timer = setTimeout(() => this.#begin(), ms).unref();
  }
}

/** Not all workers at once. */
function restAfter(failures: number): number {
  const longest = Math.min(restMs.first * 2 ** (failures - 1), restMs.last);
  return longest * (0.5 + Math.random() / 2);
}
