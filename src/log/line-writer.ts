/**
 * Log lines on a descriptor that several processes write to. A pipe keeps a write whole only up to PIPE_BUF, 4096 bytes
 * on Linux, so every write holds whole lines and no more than that. Nothing here waits for a slow reader: lines queue up
 * to a bound and are then dropped and counted; a reader that has gone ends the writing, not the process.
 */
import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { maxLineBytes, shortenLine } from './shorten-line.ts';

export interface LineWriterOptions {
  readonly fd: number;
  /** = 4 MB */
  readonly maxQueuedBytes?: number;
  /** Called when writing goes on after lines had to be dropped. */
  readonly onDropped: (lines: number) => void;
}

/** A regular file keeps writes of any size whole: they take turns at its position. */
const fileBatchBytes = 64 * 1024;
/** How long a line may wait for company. */
const gatherMs = 50;
const retryMs = { first: 2, last: 50, full: 1000 };
/** How long an exit may wait for a slow reader. */
const exitPatienceMs = 500;

export class LineWriter {
  /** Lines that nobody will read, since the start. */
  dropped = 0;
  readonly #options: LineWriterOptions;
  readonly #out: Output;
  readonly #maxBatches: number;
  /** Full batches, oldest first, and the one that lines are added to. */
  #batches: Buffer[] = [];
  #open: Buffer;
  #openBytes = 0;
  #state: 'writing' | 'waiting' | 'gone' = 'writing';
  #retryMs = retryMs.first;
  /** Of the dropped ones, those that have not been told of. */
  #untold = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: LineWriterOptions) {
    this.#options = options;
    this.#out = openForWriting(options.fd);
    this.#open = Buffer.allocUnsafe(this.#out.batchBytes);
    this.#maxBatches = Math.ceil((options.maxQueuedBytes ?? 4 * 1024 * 1024) / this.#out.batchBytes);
    process.on('exit', this.#atExit);
  }

  /** One line with its newline, or several that belong together. */
  write(text: string): void {
    if (this.#hasGone) {
      this.dropped++;
      return;
    }
    let line = text;
    let bytes = Buffer.byteLength(line);
    if (bytes > maxLineBytes) {
      line = shortenLine(line);
      bytes = Buffer.byteLength(line);
    }
    if (this.#openBytes + bytes > this.#out.batchBytes) this.#seal();
    if (this.#batches.length > this.#maxBatches || this.#hasGone) {
      this.dropped++;
      this.#untold++;
      return;
    }
    this.#open.write(line, this.#openBytes);
    this.#openBytes += bytes;
    if (this.#timer === null && this.#state === 'writing') this.#timer = setTimeout(this.#gathered, gatherMs).unref();
  }

  /** Writes what can be written at once. */
  flush(): void {
    if (this.#openBytes > 0) this.#seal();
    this.#pump();
  }

  /** No more lines; what is left is written as far as the reader takes it within half a second. */
  close(): void {
    process.off('exit', this.#atExit);
    this.#atExit();
    this.#state = 'gone';
  }

  readonly #gathered = (): void => {
    this.#timer = null;
    this.flush();
  };

  /** Asked anew after each attempt to write. */
  get #hasGone(): boolean {
    return this.#state === 'gone';
  }

  #seal(): void {
    if (this.#openBytes === 0) return;
    this.#batches.push(this.#open.subarray(0, this.#openBytes));
    this.#open = Buffer.allocUnsafe(this.#out.batchBytes);
    this.#openBytes = 0;
    this.#pump();
  }

  #pump(): void {
    while (this.#state === 'writing') {
      const batch = this.#batches[0];
      if (batch === undefined) return;
      this.#writeNow(batch);
    }
  }

  #writeNow(batch: Buffer): void {
    try {
      this.#out.shared?.setBlocking(false);
      this.#wrote(writeSync(this.#out.fd, batch));
    } catch (error) {
      this.#failed(error as NodeJS.ErrnoException);
    }
  }

  #wrote(bytes: number): void {
    const batch = this.#batches[0];
    // Pipes take a batch whole; files and sockets may take a part.
    if (batch !== undefined && bytes < batch.length) this.#batches[0] = batch.subarray(bytes);
    else this.#batches.shift();
    this.#retryMs = retryMs.first;
    if (this.#untold === 0 || this.#batches.length > this.#maxBatches / 2) return;
    const lines = this.#untold;
    this.#untold = 0;
    this.#options.onDropped(lines);
  }

  #failed(error: NodeJS.ErrnoException): void {
    if (error.code === 'EINTR') return;
    if (error.code === 'EAGAIN') {
      this.#wait(this.#retryMs);
      this.#retryMs = Math.min(this.#retryMs * 2, retryMs.last);
      return;
    }
    if (error.code === 'ENOSPC' || error.code === 'EDQUOT') {
      this.#wait(retryMs.full);
      return;
    }
    // EPIPE and its like: nobody reads any more, and there is nowhere to complain.
    this.#state = 'gone';
    if (this.#openBytes > 0) this.#batches.push(this.#open.subarray(0, this.#openBytes));
    for (const batch of this.#batches) this.dropped += countLines(batch);
    this.#batches = [];
    this.#openBytes = 0;
  }

  #wait(ms: number): void {
    this.#state = 'waiting';
    setTimeout(() => {
      if (this.#state !== 'waiting') return;
      this.#state = 'writing';
      this.flush();
    }, ms).unref();
  }

  readonly #atExit = (): void => {
    const until = performance.now() + exitPatienceMs;
    if (this.#state === 'waiting') this.#state = 'writing';
    if (this.#openBytes > 0) this.#batches.push(this.#open.subarray(0, this.#openBytes));
    this.#openBytes = 0;
    for (let batch = this.#batches[0]; batch !== undefined && this.#state !== 'gone'; batch = this.#batches[0]) {
      this.#writeNow(batch);
      if ((this.#state as string) !== 'waiting') continue;
      if (performance.now() > until) return;
      this.#state = 'writing';
      pause(5);
    }
  };
}

function countLines(batch: Buffer): number {
  let lines = 0;
  for (const byte of batch) if (byte === newline) lines++;
  return lines;
}

const newline = 10;

interface Output {
  readonly fd: number;
  /** Largest write. */
  readonly batchBytes: number;
  /** Not ours alone: whether it blocks is decided anew by each process that holds it. */
  readonly shared: SharedHandle | null;
}

interface SharedHandle {
  setBlocking(blocks: boolean): number;
}

/**
 * A descriptor that never blocks: neither a request nor the exit may wait for whoever reads the log. A pipe or terminal
 * is opened anew, as a description of our own, so that no other process that holds it becomes non-blocking with us.
 */
function openForWriting(fd: number): Output {
  try {
    const stat = fstatSync(fd);
    if (stat.isFIFO() || stat.isCharacterDevice()) {
      const own = openAnew(fd);
      if (own !== null) return { fd: own, batchBytes: maxLineBytes, shared: null };
    }
    if (stat.isSocket() || stat.isFIFO()) return { fd, batchBytes: maxLineBytes, shared: takeOver(fd) };
    if (stat.isFile()) return { fd, batchBytes: fileBatchBytes, shared: null };
  } catch {
    // Not ours to open: the descriptor as it is.
  }
  return { fd, batchBytes: maxLineBytes, shared: null };
}

/** Null where it can't be had: elsewhere than on Linux, and when the pipe belongs to another user. */
function openAnew(fd: number): number | null {
  if (process.platform !== 'linux') return null;
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return null;
  }
}

/**
 * A socket can't be opened anew, and its O_NONBLOCK is everybody's: libuv takes it away in each child that it starts, and
 * node at each exit. So it is asked for before each write.
 */
function takeOver(fd: number): SharedHandle {
  const socket = new Socket({ fd, readable: false, writable: true }).unref();
  taken.push(socket);
  return (socket as Socket & { readonly _handle: SharedHandle })._handle;
}

/** Never collected: with the last reference the descriptor would be closed. */
const taken: Socket[] = [];

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
