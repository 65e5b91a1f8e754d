/** One client connection: which request is being answered, which wait behind it, and whether anything more is heard. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { Duplex } from 'node:stream';
import type { Refusal } from '../src/contracts/refusal.ts';
import type { Arrival } from './entrance.ts';
import { lingerThenDestroy } from './linger.ts';

export interface WaitingRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** An upgrade: what the client sent behind its head. Else null. */
  readonly early: Buffer | null;
  /** The client waits for 100 Continue. */
  readonly waits: boolean;
  /** False: it names another protocol that the parser also knows. */
  readonly isHttp: boolean;
}

/** A body that is being read, to be told when the parser gives up on it. */
export interface ReadBody {
  malformed(): void;
}

/** The answer in its connection's eyes. */
export interface CurrentReply {
  /** It is the last one: the client is told so, unless its head has been sent. */
  isLastNow(): void;
  drained(): void;
  closed(): void;
}

/** Requests of one read that may wait behind another; who sends more is answered so far, and then closed. */
const maxWaiting = 1024;

export class ClientConnection {
  readonly socket: Socket;
  /** The TCP connection: `socket` itself without TLS. */
  readonly transport: Socket;
  readonly peerIp: string;
  readonly scheme: 'http' | 'https';
  /** Who the client's certificate says that it is; empty: nobody. */
  readonly consumer: string;
  /** Of answers after which the connection stays open. */
  readonly keepAliveField: string;
  /** The answer that is under way. Written by it. */
  reply: CurrentReply | null = null;
  readonly #answered: (connection: ClientConnection) => void;
  /** The request being answered. */
  #current: WaitingRequest | null = null;
  readonly #waiting: WaitingRequest[] = [];
  /** Refused for good once all that came before has been answered. */
  #refusal: Refusal | null = null;
  #closing = false;
  #overflows = false;
  /** The parser forgets what arrived right behind this request. */
  #forgetful: IncomingMessage | null = null;
  #idleSince = performance.now();
  #bytesWhenIdle = 0;
  #transportBytesWhenIdle: number;
  #body: ReadBody | null = null;
  #bodyIsBroken = false;

  /** `answered` is called after each answer: whose turn it is now is told by `next`. */
  constructor(arrival: Arrival, keepAliveField: string, answered: (connection: ClientConnection) => void) {
    const { socket } = arrival;
    this.socket = socket;
    this.transport = arrival.transport;
    this.peerIp = arrival.peerIp;
    this.scheme = arrival.scheme;
    this.consumer = arrival.consumer;
    this.keepAliveField = keepAliveField;
    this.#answered = answered;
    this.#transportBytesWhenIdle = arrival.transport.bytesRead;
    (socket as WithConnection)[connectionKey] = this;
    socket.on('drain', () => this.reply?.drained());
  }

  get isBusy(): boolean {
    return this.#current !== null;
  }

  /** Nothing that still arrives is a request any more. */
  get isClosing(): boolean {
    return this.#closing;
  }

  /** Follows the present answer to its end. */
  follow(response: ServerResponse): void {
    (response as WithConnection)[connectionKey] = this;
    response.on('close', responseClosed);
  }

  /** node's response is over: its answer has been written, or its client has gone. */
  responseClosed(): void {
    const reply = this.reply;
    this.reply = null;
    reply?.closed();
    this.#answered(this);
  }

  /** Answers are over on this connection: it belongs to its tunnel. */
  becomeTunnel(): void {
    this.reply = null;
    this.#current?.response.removeListener('close', responseClosed);
  }

  /** True: it is the request's turn. False: it waits, or is not heard any more. */
  take(waiting: WaitingRequest): boolean {
    if (this.#closing) return false;
    if (this.#current === null) {
      this.#current = waiting;
      return true;
    }
    // node dispatches pipelined requests side by side; answered one by one they can't flood an upstream.
    if (this.#waiting.length < maxWaiting && !this.#overflows) this.#waiting.push(waiting);
    else this.#overflows = true;
    this.socket.pause();
    return false;
  }

  /** The present request is the last that is answered. */
  get isLast(): boolean {
    if (this.#forgetful !== null && this.#current?.request === this.#forgetful) return true;
    return this.#overflows && this.#waiting.length === 0;
  }

  /**
   * node drops the bytes that came in one read behind a request whose Upgrade it ignores: half a request, it may be. Its
   * answer is the last one, and the client knows that what followed was not heard (RFC 9112, section 9.3.2).
   */
  forgetBehind(request: IncomingMessage): void {
    this.#forgetful ??= request;
  }

  /** Called when an answer is complete: whose turn it is now. */
  next(): WaitingRequest | Refusal | null {
    // Behind an answer that says Connection: close nothing is a request: not what waits, not the rest of a body.
    if (this.#current !== null && isLastAnswer(this.#current.response)) this.stopHearing();
    this.#current = null;
    this.#body = null;
    if (this.#closing || this.socket.destroyed) return null;
    const next = this.#waiting.shift();
    if (next !== undefined) {
      this.#current = next;
      // node reads on after each answer.
      if (this.#waiting.length > 0) this.socket.pause();
      return next;
    }
    this.#idleSince = performance.now();
    this.#bytesWhenIdle = this.socket.bytesRead;
    this.#transportBytesWhenIdle = this.transport.bytesRead;
    if (this.socket.isPaused()) this.socket.resume();
    return this.#refusal;
  }

  /** A drain has begun. What waits already behind the present answer is answered as well. */
  draining(): void {
    if (this.#waiting.length === 0) this.reply?.isLastNow();
  }

  /** The parser has given up. Answers before that are still owed. */
  broken(refused: Refusal): 'refuse now' | 'refuse later' | 'body told' {
    if (this.#current === null) return 'refuse now';
    if (this.#waiting.length === 0 && !this.#current.request.complete) {
      this.#bodyIsBroken = true;
      this.#body?.malformed();
      return 'body told';
    }
    this.#refusal ??= refused;
    return 'refuse later';
  }

  /** The body of the current request is about to be read. */
  readBody(body: ReadBody): void {
    this.#body = body;
    if (this.#bodyIsBroken) body.malformed();
  }

  /** What comes now is ignored, and the connection closed after the present answer. */
  stopHearing(): void {
    this.#closing = true;
    this.#waiting.length = 0;
  }

  /** How long the connection has been quiet, ms, counted from `since` at the earliest; 0 with anything under way. */
  silentSince(since: number, now: number): number {
    if (this.#current !== null || this.socket.bytesRead !== this.#bytesWhenIdle) return 0;
    // Part of a TLS record: a request is on its way.
    if (this.transport.bytesRead !== this.#transportBytesWhenIdle) return 0;
    return now - Math.max(since, this.#idleSince);
  }

  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    lingerThenDestroy.call(this.socket);
  }

  closed(): void {
    this.#waiting.length = 0;
  }
}

const connectionKey = Symbol('connection');
interface WithConnection {
  [connectionKey]?: ClientConnection;
}

function responseClosed(this: ServerResponse): void {
  (this as WithConnection)[connectionKey]?.responseClosed();
}

/** node keeps to itself that it closes the connection after this answer. */
function isLastAnswer(response: ServerResponse): boolean {
  return (response as ServerResponse & { readonly _last: boolean })._last;
}

export function connectionOf(socket: Duplex): ClientConnection {
  return (socket as WithConnection)[connectionKey] as ClientConnection;
}
