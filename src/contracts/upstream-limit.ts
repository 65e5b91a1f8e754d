/** How many requests an upstream may have under way, and how near that is (`overload.adaptive`). */

export interface UpstreamLimit {
  readonly upstream: string;
  /** 1: no more. */
  readonly pressure: number;
  /** A request was turned away by it. */
  refused(): void;
  /** A request goes there. Exactly one `leave` follows. */
  enter(): void;
  /** It has the head of a good answer, or is over. `now` is monotonic, ms. */
  leave(now: number): void;
  /** So long the head of an answer took, or a try that got none in time. */
  answered(durationMs: number, now: number): void;
}

export interface UpstreamLimits {
  /** Null: as many as come. */
  of(upstream: string): UpstreamLimit | null;
}
