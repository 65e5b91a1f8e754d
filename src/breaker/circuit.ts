/**
 * The circuit of one upstream: closed while enough tries go well, open when too many fail, half-open after a while, when
 * the outcome of a single probe decides. A pure state machine over a given `now` (monotonic ms).
 */
import type { CircuitState } from '../contracts/breaker.ts';
import type { CircuitBreakerConfig } from '../contracts/config.ts';
import type { PermitOutcome } from '../contracts/permits.ts';
import { RollingWindow } from './window.ts';

export type CircuitSettings = Pick<
  CircuitBreakerConfig,
  'failureThreshold' | 'minimumRequests' | 'windowMs' | 'openDurationMs'
>;

export class Circuit {
  #settings: CircuitSettings;
  #window: RollingWindow;
  #state: CircuitState = 'closed';
  #openUntil = 0;
  #isProbing = false;

  constructor(settings: CircuitSettings) {
    this.#settings = settings;
    this.#window = new RollingWindow(settings.windowMs);
  }

  get state(): CircuitState {
    return this.#state;
  }

  /** How long it still stays open; 0 unless it is. */
  openForMs(now: number): number {
    return this.#state === 'open' ? Math.max(0, this.#openUntil - now) : 0;
  }

  /** What it has counted, for the log. */
  counts(now: number): { readonly tries: number; readonly failed: number } {
    this.#window.advance(now);
    return { tries: this.#window.good + this.#window.failed, failed: this.#window.failed };
  }

  /** New settings hold for what is decided from now on; a window of another length begins empty. */
  configure(settings: CircuitSettings): void {
    if (settings.windowMs !== this.#settings.windowMs) this.#window = new RollingWindow(settings.windowMs);
    this.#settings = settings;
  }

  /** Tries that have ended. Only a closed circuit listens: those of an earlier time say nothing of the present one. */
  record(good: number, failed: number, now: number): void {
    if (this.#state !== 'closed') return;
    this.#window.add(good, failed, now);
    if (failed > 0 && this.#hasFailed()) this.#open(now);
  }

  /** True: the asker has the probe, and says how it ended by `probeEnded`. */
  takeProbe(now: number): boolean {
    this.advance(now);
    if (this.#state !== 'half-open' || this.#isProbing) return false;
    this.#isProbing = true;
    return true;
  }

  probeEnded(outcome: PermitOutcome, now: number): void {
    if (this.#state !== 'half-open' || !this.#isProbing) return;
    this.#isProbing = false;
    if (outcome === 'failure') this.#open(now);
    if (outcome === 'success') {
      this.#state = 'closed';
      this.#window.clear();
    }
  }

  /** Open becomes half-open when its time is over. */
  advance(now: number): void {
    if (this.#state === 'open' && now >= this.#openUntil) this.#state = 'half-open';
  }

  /** What another node says of the same upstream, unless this one's own window shows enough tries that say otherwise. */
  adopt(state: CircuitState, openForMs: number, now: number): void {
    if (state === 'open' && this.#state === 'closed' && this.#isProvenGood(now)) return;
    this.order(state, openForMs, now);
  }

  /** An operator knows better. */
  order(state: CircuitState, openForMs: number, now: number): void {
    this.#state = state;
    this.#openUntil = now + openForMs;
    this.#isProbing = false;
    if (state === 'closed') this.#window.clear();
  }

  #open(now: number): void {
    this.#state = 'open';
    this.#openUntil = now + this.#settings.openDurationMs;
  }

  #hasFailed(): boolean {
    const { good, failed } = this.#window;
    const { minimumRequests, failureThreshold } = this.#settings;
    return good + failed >= minimumRequests && failed * 100 >= failureThreshold * (good + failed);
  }

  #isProvenGood(now: number): boolean {
    this.#window.advance(now);
    const { good, failed } = this.#window;
    return good + failed >= this.#settings.minimumRequests && !this.#hasFailed();
  }
}
