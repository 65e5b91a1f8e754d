/**
 * The circuits of the node's upstreams. Workers report what becomes of their tries; here it is judged, and every worker is
 * told. A circuit is kept as long as the config names its upstream at the same targets.
 */

import { Circuit } from '../src/breaker/circuit.ts';
import type { BreakerChange, CircuitState } from '../src/contracts/breaker.ts';
import type { CircuitBreakerConfig, UpstreamConfig } from '../src/contracts/config.ts';
import type { ToWorker } from '../src/contracts/ipc.ts';
import type { Log } from '../src/contracts/log.ts';
import type { PermitOutcome } from '../src/contracts/permits.ts';
import { upstreamKey } from '../src/core/upstream-key.ts';
import type { MetricsRegistry } from './metrics-registry.ts';

export interface BreakersOptions {
  readonly log: Log;
  readonly registry: Pick<MetricsRegistry, 'add' | 'set' | 'remove'>;
  /** Monotonic ms. */
  readonly now: () => number;
  /** For all workers, and, unless an operator has ordered it here, for the other nodes. */
  readonly onChange: (change: BreakerChange, judge: Judge) => void;
}

interface Kept {
  readonly key: string;
  readonly upstream: string;
  readonly circuit: Circuit;
  settings: CircuitBreakerConfig;
  /** As it was told last. */
  told: CircuitState;
  /** Whose try decides while it is half-open: the worker's id. */
  prober: number | null;
  timer: NodeJS.Timeout | null;
  /** Open because an operator wants it so: other nodes have no say in that. */
  isHeld: boolean;
}

/** A breaker as operators see it. */
export interface BreakerStanding {
  readonly state: CircuitState;
  readonly mode: CircuitBreakerConfig['mode'];
  /** In the window; a circuit that is not closed does not count. */
  readonly tries: number;
  readonly failed: number;
  readonly openForMs: number;
  readonly isHeld: boolean;
}

const stateNumbers: { readonly [S in CircuitState]: number } = { closed: 0, 'half-open': 1, open: 2 };

/** Who has found that an upstream fails. */
const reasons = {
  'this node': 'too many tries have failed',
  'another node': 'another node has found it failing',
  operator: 'an operator has opened it',
};
export type Judge = keyof typeof reasons;

export class Breakers {
  readonly #options: BreakersOptions;
  readonly #kept = new Map<string, Kept>();

  constructor(options: BreakersOptions) {
    this.#options = options;
  }

  /** The upstreams of the config in force. */
  follow(upstreams: readonly UpstreamConfig[]): void {
    const wanted = new Set<string>();
    for (const settings of upstreams) {
      if (settings.circuitBreaker?.enabled !== true) continue;
      const key = upstreamKey(settings);
      wanted.add(key);
      this.#keep(key, settings.name, settings.circuitBreaker);
    }
    for (const [key, kept] of this.#kept) if (!wanted.has(key)) this.#drop(kept);
    for (const { upstream, told } of this.#kept.values()) this.#show(upstream, told);
  }

  /** What a worker has to know when it begins to serve. */
  news(): ToWorker[] {
    const changes = [...this.#kept.values()]
      .filter(({ told }) => told !== 'closed')
      .map((kept) => this.#describe(kept));
    return changes.map((change) => ({ type: 'breaker:changed', change }));
  }

  /** Tries that have ended. */
  record(key: string, good: number, failed: number): void {
    const kept = this.#kept.get(key);
    if (kept === undefined || good + failed === 0) return;
    kept.circuit.record(good, failed, this.#options.now());
    this.#tell(kept);
  }

  askProbe(worker: number, key: string): boolean {
    const kept = this.#kept.get(key);
    if (kept === undefined || !kept.circuit.takeProbe(this.#options.now())) return false;
    kept.prober = worker;
    this.#tell(kept);
    return true;
  }

  probeEnded(worker: number, key: string, outcome: PermitOutcome): void {
    const kept = this.#kept.get(key);
    if (kept === undefined || kept.prober !== worker) return;
    kept.prober = null;
    kept.circuit.probeEnded(outcome, this.#options.now());
    this.#tell(kept);
  }

  /** What a worker is to believe that seems to believe something else. A key that is not kept is closed. */
  describe(key: string): BreakerChange {
    const kept = this.#kept.get(key);
    return kept === undefined ? { key, state: 'closed', openForMs: 0 } : this.#describe(kept);
  }

  /** What another node says. False: no such upstream is known here. */
  adopt({ key, state, openForMs }: BreakerChange): boolean {
    const kept = this.#kept.get(key);
    if (kept === undefined) return false;
    if (kept.isHeld) return true;
    kept.circuit.adopt(state, openForMs, this.#options.now());
    this.#tell(kept, 'another node');
    return true;
  }

  /** An operator's word, for this node. Closed: from then on the breaker judges by itself again. False: there is none. */
  order(upstream: string, state: 'open' | 'closed', forMs: number): boolean {
    const kept = this.#find(upstream);
    if (kept === null) return false;
    kept.circuit.order(state, forMs, this.#options.now());
    kept.isHeld = state === 'open';
    // One that was open already stays so for another time.
    this.#wakeAtHalfOpen(kept);
    this.#tell(kept, 'operator');
    return true;
  }

  /** Null: the upstream has none. */
  standingOf(upstream: string): BreakerStanding | null {
    const kept = this.#find(upstream);
    if (kept === null) return null;
    const { circuit, settings, told, isHeld } = kept;
    const now = this.#options.now();
    return {
      state: told,
      mode: settings.mode,
      ...circuit.counts(now),
      openForMs: Math.ceil(circuit.openForMs(now)),
      isHeld,
    };
  }

  #find(upstream: string): Kept | null {
    for (const kept of this.#kept.values()) if (kept.upstream === upstream) return kept;
    return null;
  }

  /** The worker has ended: its probes are given back. */
  forget(worker: number): void {
    for (const [key, { prober }] of this.#kept) if (prober === worker) this.probeEnded(worker, key, 'canceled');
  }

  #keep(key: string, upstream: string, settings: CircuitBreakerConfig): void {
    const kept = this.#kept.get(key);
    if (kept === undefined) {
      const circuit = new Circuit(settings);
      this.#kept.set(key, {
        key,
        upstream,
        circuit,
        settings,
        told: 'closed',
        prober: null,
        timer: null,
        isHeld: false,
      });
      return;
    }
    kept.settings = settings;
    kept.circuit.configure(settings);
  }

  #drop(kept: Kept): void {
    if (kept.timer !== null) clearTimeout(kept.timer);
    this.#kept.delete(kept.key);
    // Workers would take what they heard last for true when a later config has this breaker again.
    if (kept.told !== 'closed') this.#options.onChange(this.describe(kept.key), 'this node');
    this.#options.registry.remove('circuit_breaker_state', [kept.upstream]);
  }

  /** If it is another state than the one told last, everybody hears of it. */
  #tell(kept: Kept, judge: Judge = 'this node'): void {
    const { circuit, upstream } = kept;
    if (circuit.state === kept.told) return;
    kept.told = circuit.state;
    if (circuit.state !== 'half-open') kept.prober = null;
    if (circuit.state !== 'open') kept.isHeld = false;
    this.#show(upstream, circuit.state);
    this.#options.registry.add('circuit_breaker_transitions_total', [upstream, circuit.state]);
    this.#log(kept, judge);
    this.#options.onChange(this.#describe(kept), judge);
    this.#wakeAtHalfOpen(kept);
  }

  #wakeAtHalfOpen(kept: Kept): void {
    if (kept.timer !== null) clearTimeout(kept.timer);
    kept.timer = null;
    if (kept.circuit.state !== 'open') return;
    const wake = (): void => {
      const now = this.#options.now();
      kept.circuit.advance(now);
      this.#tell(kept);
      // Timers may fire a little early.
      if (kept.told === 'open') kept.timer = setTimeout(wake, Math.max(1, kept.circuit.openForMs(now))).unref();
    };
    kept.timer = setTimeout(wake, Math.ceil(kept.circuit.openForMs(this.#options.now()))).unref();
  }

  #show(upstream: string, state: CircuitState): void {
    this.#options.registry.set('circuit_breaker_state', [upstream], stateNumbers[state]);
  }

  #log({ upstream, circuit, settings }: Kept, judge: Judge): void {
    const { log, now } = this.#options;
    const mode = settings.mode;
    switch (circuit.state) {
      case 'open':
        log.warn(
          {
            upstream,
            circuit: 'open',
            mode,
            ...circuit.counts(now()),
            openForMs: Math.round(circuit.openForMs(now())),
          },
          `circuit breaker: ${reasons[judge]}, the upstream is not asked for a while`,
        );
        return;
      case 'half-open':
        log.info(
          { upstream, circuit: 'half-open', mode },
          'circuit breaker: one try at a time finds out how the upstream is',
        );
        return;
      case 'closed':
        log.info(
          { upstream, circuit: 'closed', mode },
          judge === 'operator'
            ? 'circuit breaker: an operator has closed it'
            : 'circuit breaker: the upstream is well again',
        );
    }
  }

  /** Clients of one that is held for long are told to come back sooner, and workers ask again then. */
  #describe({ key, circuit, told, settings }: Kept): BreakerChange {
    const openForMs = Math.min(circuit.openForMs(this.#options.now()), settings.openDurationMs);
    return { key, state: told, openForMs };
  }
}
