/** Where the time of an exchange goes: kept for requests that show the trace token, and told them in Server-Timing. */
import type { Exchange } from './exchange.ts';

/** What an exchange spends its time on, in the order of a life without failures. */
export type Stage =
  /** From the head to the first decision: a small body arrives meanwhile. */
  | 'admit'
  | 'match'
  | 'auth'
  | 'limit'
  /** With the time that a body to be checked takes to arrive. */
  | 'validate'
  | 'resolve'
  | 'breaker'
  /** Choosing a target, and waiting for a connection to it, or making one. */
  | 'connect'
  | 'send'
  /** From the last byte of the request to the head of the answer. */
  | 'upstream'
  /** Before another try. */
  | 'backoff';

export interface StageTimes {
  /** The time since the stage before it ended is its own. What comes again, as with another try, adds up. */
  ended(stage: Stage): void;
  /** The fields that tell the client, as a flat list: asked for once, when the head of the answer is made. */
  fields(x: Exchange): readonly string[];
}
