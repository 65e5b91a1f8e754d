/** The thread behind health-checks.ts: asks the targets, and passes on what they answer. What it means is not its matter. */
import { parentPort } from 'node:worker_threads';
import type { SecurityConfig } from '../src/contracts/config.ts';
import { type Checked, CheckRounds } from '../src/health/check-rounds.ts';
import { AddressGuard } from '../src/upstream/address-guard.ts';
import { compileAddressPolicy } from '../src/upstream/address-policy.ts';
import { type Probed, probeTarget } from '../src/upstream/health-probe.ts';
import { Names } from '../src/upstream/names.ts';
import { createNameResolver } from '../src/upstream/resolve-name.ts';

export interface CheckWork {
  readonly targets: readonly (Checked & Probed)[];
  readonly addresses: Pick<SecurityConfig, 'allowedHosts' | 'blockedIPs'>;
  /** Empty: the system. */
  readonly dnsServers: readonly string[];
}

export interface CheckAnswer {
  readonly upstream: string;
  readonly url: string;
  /** Null: it is well. */
  readonly problem: string | null;
}

// What it refuses is told as any other reason for a failed check.
const guard = new AddressGuard({ warn: () => {} });

// As requests do: while DNS is away, the last good answer stays in use and targets stay well.
const names = new Names({
  resolve: createNameResolver([]),
  log: { info: () => {}, warn: () => {} },
  onMoved: () => {},
});

const rounds = new CheckRounds<Checked & Probed>({
  ask: (target) => probeTarget(target, guard, names.lookup),
  onAnswer: ({ upstream, url }, problem) => {
    const answer: CheckAnswer = { upstream, url, problem };
    parentPort?.postMessage(answer);
  },
  random: Math.random,
});

parentPort?.on('message', ({ targets, addresses, dnsServers }: CheckWork) => {
  names.askBy(createNameResolver(dnsServers));
  names.keepOnly(new Set(targets.map(({ url }) => hostnameOf(url))));
  guard.enforce(compileAddressPolicy(addresses));
  rounds.follow(targets);
});

function hostnameOf(url: string): string {
  return new URL(url).hostname;
}
