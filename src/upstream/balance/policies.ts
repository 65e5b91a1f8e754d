/** Every way to choose a target that the config may name. Leave one out and this file does not compile. */
import type { UpstreamConfig } from '../../contracts/config.ts';
import { compileHashKey } from '../../core/hash-key.ts';
import type { Balancer, Candidate } from './balancer.ts';
import { ConsistentHashBalancer } from './consistent-hash.ts';
import { LeastRequestsBalancer } from './least-requests.ts';
import { RandomBalancer } from './random.ts';
import { RoundRobinBalancer } from './round-robin.ts';

export interface BalanceOptions {
  readonly hashOn: string | null;
  /** Every target with a weight, usable or not. */
  readonly all: readonly Candidate[];
  /** 0 ≤ random() < 1 */
  readonly random: () => number;
}

export const balancePolicies: {
  readonly [P in UpstreamConfig['balance']]: (options: BalanceOptions) => Balancer;
} = {
  'least-requests': ({ random }) => new LeastRequestsBalancer(random),
  'round-robin': ({ random }) => new RoundRobinBalancer(random),
  random: ({ random }) => new RandomBalancer(random),
  'consistent-hash': ({ hashOn, all }) => new ConsistentHashBalancer(compileHashKey(hashOn ?? 'ip'), all),
};
