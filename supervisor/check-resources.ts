/** Whether file descriptors and memory suffice for what the config allows: told once at the start, by the sum. */
import { readFileSync } from 'node:fs';
import type { ConfigSummary } from '../src/config/load.ts';
import type { Log } from '../src/contracts/log.ts';
import { leastMemoryBytes, readMemoryLimit } from '../src/core/container.ts';

/** Of a worker for itself: its channels, log, DNS, Redis, threads. About 30 are open in one that is idle. */
const ownDescriptors = 64;

export function warnOfScarcity(
  config: Pick<ConfigSummary, 'proxy' | 'upstreams'>,
  workers: number,
  log: Log,
  limits: { readonly descriptors: number | null; readonly memoryBytes: number } = {
    descriptors: readDescriptorLimit(),
    memoryBytes: readMemoryLimit(),
  },
): void {
  const clients = config.proxy.limits.maxConnections;
  const upstreams = sumOfPools(config.upstreams);
  const needed = clients + upstreams + ownDescriptors;
  if (limits.descriptors !== null && needed > limits.descriptors) {
    log.warn(
      { needed, limit: limits.descriptors, clients, upstreams, own: ownDescriptors },
      `a worker may need ${needed} file descriptors and may open ${limits.descriptors}: raise the hard limit ` +
        '(LimitNOFILE=, --ulimit nofile=, ulimit -Hn), or lower proxy.limits.maxConnections or maxConnections of upstreams',
    );
  }
  const neededMb = Math.ceil(leastMemoryBytes(workers) / 1024 ** 2);
  const limitMb = Math.floor(limits.memoryBytes / 1024 ** 2);
  if (neededMb > limitMb) {
    log.warn(
      { neededMb, limitMb, workers },
      `${workers} workers want ${neededMb} MB of memory at least and there are ${limitMb} MB: start fewer, or allow more memory`,
    );
  }
}

/** What a worker may have open to upstreams; WebSockets, which leave the pools, come on top. */
function sumOfPools(upstreams: ConfigSummary['upstreams']): number {
  return upstreams.reduce((sum, { targets, maxConnections }) => sum + targets.length * maxConnections, 0);
}

/** Node has raised its limit as far as it may before anything of ours runs, and workers inherit that. Null: not known, or none. */
export function readDescriptorLimit(file = '/proc/self/limits'): number | null {
  try {
    const [, soft] = /^Max open files +(\d+)/m.exec(readFileSync(file, 'utf8')) ?? [];
    return soft === undefined ? null : Number(soft);
  } catch {
    return null;
  }
}
