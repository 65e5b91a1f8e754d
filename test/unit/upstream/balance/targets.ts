/** Targets that are nothing but a name and a number of requests in flight, and exchanges that are nothing but a client. */
import type { CompiledConfig } from '../../../../src/contracts/compiled.ts';
import { Exchange, type RequestHead } from '../../../../src/contracts/exchange.ts';
import type { Target } from '../../../../src/contracts/upstream.ts';
import type { Candidate } from '../../../../src/upstream/balance/balancer.ts';

export interface FakeTarget extends Target {
  readonly connections: Target['connections'] & { inFlight: number; tunnels: number };
}

export function targetNamed(label: string): FakeTarget {
  const connections = { inFlight: 0, tunnels: 0, hasRoom: () => true, dispatch: () => {}, withdraw: () => false };
  return { label, hostHeader: label, basePath: '', servername: null, connections, ended: () => {} };
}

/** Targets `0`, `1`, … with these weights. */
export function candidatesWith(weights: readonly number[]): (Candidate & { readonly target: FakeTarget })[] {
  return weights.map((weight, i) => ({ target: targetNamed(`10.0.0.${i}:80`), weight }));
}

export function exchangeOf({ ip = '192.0.2.1', consumer = '', headers = [] as string[] } = {}): Exchange {
  const head = { rawHeaders: headers, client: { ip } } as unknown as RequestHead;
  const x = new Exchange(
    head,
    {} as CompiledConfig,
    'id',
    { traceId: '', parentId: '', isSampled: false, traceparent: '', tracestate: '' },
    0,
  );
  x.consumer = consumer;
  return x;
}

/** The same numbers from 0 up to 1 in every run (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b_79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
