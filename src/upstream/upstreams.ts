/**
 * The upstreams that are in use, kept by what they are: one whose settings did not change through a reload is the
 * same object afterwards, with its connections.
 */
import { createHash } from 'node:crypto';
import type { Config, UpstreamConfig } from '../contracts/config.ts';
import type { PoolInsight } from '../contracts/insight.ts';
import type { Log } from '../contracts/log.ts';
import type { FaultyTarget } from '../contracts/target-fault.ts';
import type { TryPolicies, Upstream } from '../contracts/upstream.ts';
import { upstreamTlsOptions } from '../core/upstream-tls.ts';
import type { AddressGuard } from './address-guard.ts';
import { BalancedUpstream } from './balanced-upstream.ts';
import { TargetPool } from './connection-pool.ts';
import { FailureCount } from './failure-count.ts';
import { Names } from './names.ts';
import { createNameResolver } from './resolve-name.ts';
import { UpstreamTarget } from './upstream-target.ts';
import type { WaitingRoom } from './waiting-room.ts';

/** Starts the built-in echo server on first use and tells its origin. */
export type BuiltinOrigin = (builtin: 'echo') => Promise<string>;

/** As many tries in a row as the config allows have failed at this target. */
type OnFailing = (upstream: string, url: string) => void;
/** What governs the tries at an upstream of these settings. */
type PoliciesFor = (settings: UpstreamConfig) => TryPolicies;

export interface UpstreamsOptions {
  readonly builtinOrigin: BuiltinOrigin;
  readonly guard: AddressGuard;
  readonly policiesFor: PoliciesFor;
  readonly room: WaitingRoom;
  readonly log: Pick<Log, 'info' | 'warn'>;
  readonly onFailing: OnFailing;
}

export class Upstreams {
  readonly #kept = new Map<string, BalancedUpstream>();
  readonly #builtinOrigin: BuiltinOrigin;
  readonly #guard: AddressGuard;
  readonly #policiesFor: PoliciesFor;
  readonly #room: WaitingRoom;
  readonly #names: Names;
  readonly #onFailing: OnFailing;
  #faulty: readonly FaultyTarget[] = [];
  #servers = '';

  constructor({ builtinOrigin, guard, policiesFor, room, log, onFailing }: UpstreamsOptions) {
    this.#builtinOrigin = builtinOrigin;
    this.#guard = guard;
    this.#policiesFor = policiesFor;
    this.#room = room;
    this.#names = new Names({
      resolve: createNameResolver([]),
      log,
      onMoved: (hostname, addresses) => this.#move(hostname, addresses),
    });
    this.#onFailing = onFailing;
  }

  get faulty(): readonly FaultyTarget[] {
    return this.#faulty;
  }

  /** All targets that get no requests from now on; the supervisor decides that for the node. */
  setFaulty(faulty: readonly FaultyTarget[]): void {
    this.#faulty = faulty;
    for (const upstream of this.#kept.values()) upstream.setFaulty(this.#faultsOf(upstream.name));
  }

  /** The upstreams of a config by name: those that exist already, and new ones. Nothing connects yet. */
  async take(config: Config): Promise<ReadonlyMap<string, Upstream>> {
    const taken = new Map<string, Upstream>();
    for (const settings of config.upstreams) {
      const identity = identityOf(settings, config);
      const kept = this.#kept.get(identity) ?? (await this.#create(settings, config));
      this.#kept.set(identity, kept);
      taken.set(settings.name, kept);
    }
    return taken;
  }

  /** What is under way at each target. */
  inspect(): PoolInsight[] {
    return [...this.#kept.values()].flatMap(({ name, targets }) =>
      targets.map(({ label, connections }) => ({
        upstream: name,
        target: label,
        inFlight: connections.inFlight,
        connections: connections.count(),
      })),
    );
  }

  /** DNS servers to ask from now on; none: the system. */
  resolveBy(servers: readonly string[]): void {
    const identity = servers.join();
    if (identity === this.#servers) return;
    this.#servers = identity;
    this.#names.askBy(createNameResolver(servers));
  }

  /** Lets go of every upstream that none of these configs names. Their requests in flight go on to their end. */
  keepOnly(configs: readonly Config[]): void {
    const wanted = new Set(configs.flatMap((config) => config.upstreams.map((u) => identityOf(u, config))));
    for (const [identity, kept] of this.#kept) {
      if (wanted.has(identity)) continue;
      this.#kept.delete(identity);
      kept.close();
    }
    const targets = [...this.#kept.values()].flatMap((upstream) => upstream.targets);
    this.#names.keepOnly(new Set(targets.map(({ hostname }) => hostname)));
  }

  #move(hostname: string, addresses: readonly string[]): void {
    for (const { targets } of this.#kept.values()) {
      for (const target of targets) if (target.hostname === hostname) target.connections.keepOnly(addresses);
    }
  }

  async #create(settings: UpstreamConfig, config: Config): Promise<BalancedUpstream> {
    const { builtin } = settings;
    const listed = builtin === null ? settings.targets : [{ url: await this.#builtinOrigin(builtin), weight: 1 }];
    const targets = listed.map(({ url, weight }) => {
      const connections = this.#openPool(new URL(url), settings, config);
      return new UpstreamTarget({ url, weight, builtin, connections, failures: this.#countFailures(settings, url) });
    });
    return new BalancedUpstream(
      settings,
      targets,
      this.#faultsOf(settings.name),
      this.#policiesFor(settings),
      Math.random,
    );
  }

  #faultsOf(name: string): ReadonlySet<string> {
    return new Set(this.#faulty.filter(({ upstream }) => upstream === name).map(({ url }) => url));
  }

  #countFailures({ name, outlierDetection }: UpstreamConfig, url: string): FailureCount | null {
    if (outlierDetection === null) return null;
    return new FailureCount(outlierDetection.failures, () => this.#onFailing(name, url));
  }

  #openPool(url: URL, settings: UpstreamConfig, { proxy }: Config): TargetPool {
    const hostname = url.hostname.replace(/^\[|\]$/g, '');
    return new TargetPool({
      upstream: settings.name,
      // A builtin listens on loopback, which a config may well block for everybody else.
      guard: settings.builtin === null ? this.#guard : null,
      origin: url.origin,
      maxConnections: settings.maxConnections,
      maxPending: settings.maxPending,
      maxHeaderBytes: responseHeadBytes,
      room: this.#room,
      lookup: this.#names.lookup,
      connectMs: proxy.timeouts.connectMs,
      dnsMs: proxy.timeouts.dnsMs,
      tls: url.protocol === 'https:' ? upstreamTlsOptions(settings.tls, hostname) : null,
    });
  }
}

/** Response heads may be larger than a client's request may be: applications set many cookies. */
const responseHeadBytes = 64 * 1024;

/**
 * The guard's settings are not among these: it judges open connections anew, and what passes stays open. What the files
 * of TLS hold is, and keys are kept nowhere longer than need be: hence a digest.
 */
function identityOf(settings: UpstreamConfig, config: Config): string {
  const { connectMs, dnsMs } = config.proxy.timeouts;
  return createHash('sha256')
    .update(JSON.stringify([settings, connectMs, dnsMs]))
    .digest('base64');
}
