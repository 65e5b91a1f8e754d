/** Asks every upstream whether it can be reached: a TCP connection to each of its targets, closed again at once. */
import { connect, isIP, type LookupFunction, type Socket } from 'node:net';
import type { UpstreamConfig } from '../contracts/config.ts';

export interface UpstreamAnswer {
  readonly name: string;
  /** UP: at least one target can be reached. An upstream inside the gateway always can. */
  readonly status: 'UP' | 'DOWN';
  readonly targets: readonly TargetAnswer[];
}

export interface TargetAnswer {
  /** `host:port` */
  readonly target: string;
  readonly status: 'UP' | 'DOWN';
  /** Why it is DOWN: an error's code. */
  readonly reason?: string;
}

export interface AskOptions {
  /** Per target. = 2000 */
  readonly timeoutMs?: number;
  /** What requests have to pass too. Absent: none. */
  readonly door?: Door;
}

export interface Door {
  /** Null: may be connected to, as far as can be told without resolving it. */
  refuseHost(hostname: string): NodeJS.ErrnoException | null;
  readonly lookup: LookupFunction;
}

/** Enough to ask hundreds of targets in seconds, and few enough not to be a burst of connections. */
const maxAtOnce = 32;

/** Answers in the order of the config. Never rejects. */
export async function askUpstreams(
  upstreams: readonly UpstreamConfig[],
  { timeoutMs = 2000, door }: AskOptions = {},
): Promise<UpstreamAnswer[]> {
  const urls = new Set(upstreams.flatMap(({ targets }) => targets.map(({ url }) => url)));
  const waiting = [...urls];
  const answers = new Map<string, TargetAnswer>();
  const askRest = async (): Promise<void> => {
    for (let url = waiting.pop(); url !== undefined; url = waiting.pop()) {
      answers.set(url, await askTarget(url, timeoutMs, door));
    }
  };
  await Promise.all(Array.from({ length: Math.min(maxAtOnce, waiting.length) }, askRest));
  return upstreams.map(({ name, targets }) => {
    const ofTargets = targets.map(({ url }) => answers.get(url) as TargetAnswer);
    const isUp = targets.length === 0 || ofTargets.some(({ status }) => status === 'UP');
    return { name, status: isUp ? 'UP' : 'DOWN', targets: ofTargets };
  });
}

/** One round at a time: who asks while one is under way gets its answers. So nobody can have upstreams knocked at without end. */
export function askInRounds(ask: () => Promise<UpstreamAnswer[]>): () => Promise<UpstreamAnswer[]> {
  let round: Promise<UpstreamAnswer[]> | null = null;
  return () => {
    round ??= ask().finally(() => {
      round = null;
    });
    return round;
  };
}

async function askTarget(url: string, timeoutMs: number, door: Door | undefined): Promise<TargetAnswer> {
  const { host, port } = addressOf(url);
  const target = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
  const objection = door?.refuseHost(host) ?? null;
  if (objection !== null) return { target, status: 'DOWN', reason: objection.code ?? 'error' };
  const socket = connect({ host, port, ...(door === undefined ? {} : { lookup: door.lookup }) });
  try {
    const reason = await waitFor(socket, timeoutMs);
    return reason === null ? { target, status: 'UP' } : { target, status: 'DOWN', reason };
  } finally {
    socket.destroy();
  }
}

/** Null when connected, else why not. */
function waitFor(socket: Socket, timeoutMs: number): Promise<string | null> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, timeoutMs, 'timeout');
    const settle = (reason: string | null): void => {
      clearTimeout(timer);
      resolve(reason);
    };
    socket.once('connect', () => settle(null));
    socket.on('error', (error: NodeJS.ErrnoException) => settle(error.code ?? 'error'));
  });
}

function addressOf(text: string): { host: string; port: number } {
  const url = new URL(text);
  const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
  const defaultPort = url.protocol === 'https:' ? 443 : 80;
  return { host, port: url.port === '' ? defaultPort : Number(url.port) };
}
