/** How many requests an upstream may have under way (`overload.adaptive`). */
import type { Priority } from './config.ts';

export interface UpstreamLimit {
  /** One more of this priority may go there. */
  hasPlace(priority: Priority): boolean;
  /** A request was turned away by it. */
  refused(): void;
  /** A request goes there. Exactly one `leave` follows. */
  enter(priority: Priority): void;
  /** It has the head of a good answer, or is over. `now` is monotonic, ms. */
  leave(priority: Priority, now: number): void;
  /** So long the head of an answer took, or a try that got none in time. */
  answered(durationMs: number, now: number): void;
}

export interface UpstreamLimits {
  /** Null: as many as come. */
  of(upstream: string): UpstreamLimit | null;
}
