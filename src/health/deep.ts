/**
 * Asks every upstream whether it can be reached: a connection to each of its targets as a request would make it, TLS
 * included, closed again at once.
 */
import { connect, isIP, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { UpstreamConfig, UpstreamTlsConfig } from '../contracts/config.ts';
import type { FaultyTarget } from '../contracts/target-fault.ts';
import { upstreamTlsOptions } from '../core/upstream-tls.ts';

export interface UpstreamAnswer {
  readonly name: string;
  /** UP: at least one target can be reached and gets requests. An upstream inside the gateway always can. */
  readonly status: 'UP' | 'DOWN';
  readonly targets: readonly TargetAnswer[];
}

export interface TargetAnswer {
  /** `host:port` */
  readonly target: string;
  readonly status: 'UP' | 'DOWN';
  /** Why it is DOWN: `unhealthy`, `ejected`, or an error's code. */
  readonly reason?: string;
}

export interface AskOptions {
  /** Per target. = 2000 */
  readonly timeoutMs?: number;
  /** What requests have to pass too. Absent: none. */
  readonly door?: Door;
  /** Targets that get no requests, whatever they answer here. */
  readonly faulty?: readonly FaultyTarget[];
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
  { timeoutMs = 2000, door, faulty = [] }: AskOptions = {},
): Promise<UpstreamAnswer[]> {
  const questions = new Map<string, Question>();
  for (const { targets, tls } of upstreams) for (const { url } of targets) questions.set(keyOf(url, tls), { url, tls });
  const waiting = [...questions];
  const answers = new Map<string, TargetAnswer>();
  const askRest = async (): Promise<void> => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const [key, question] = next;
      answers.set(key, await askTarget(question, timeoutMs, door));
    }
  };
  await Promise.all(Array.from({ length: Math.min(maxAtOnce, waiting.length) }, askRest));
  return upstreams.map(({ name, targets, tls }) => {
    const ofTargets = targets.map(({ url }) => {
      const answer = answers.get(keyOf(url, tls)) as TargetAnswer;
      const known = faulty.find((target) => target.upstream === name && target.url === url);
      return known === undefined ? answer : { ...answer, status: 'DOWN' as const, reason: known.fault };
    });
    const isUp = targets.length === 0 || ofTargets.some(({ status }) => status === 'UP');
    return { name, status: isUp ? 'UP' : 'DOWN', targets: ofTargets };
  });
}

interface Question {
  readonly url: string;
  readonly tls: UpstreamTlsConfig | null;
}

/** What several upstreams have in common is asked once. */
function keyOf(url: string, tls: UpstreamTlsConfig | null): string {
  return tls === null ? url : `${url} ${JSON.stringify(tls)}`;
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

async function askTarget({ url, tls }: Question, timeoutMs: number, door: Door | undefined): Promise<TargetAnswer> {
  const { host, port, isTls } = addressOf(url);
  const target = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
  const objection = door?.refuseHost(host) ?? null;
  if (objection !== null) return { target, status: 'DOWN', reason: objection.code ?? 'error' };
  const address = { host, port, ...(door === undefined ? {} : { lookup: door.lookup }) };
  const socket = isTls ? connectTls({ ...upstreamTlsOptions(tls, host), ...address }) : connect(address);
  try {
    const reason = await waitFor(socket, isTls ? 'secureConnect' : 'connect', timeoutMs);
    return reason === null ? { target, status: 'UP' } : { target, status: 'DOWN', reason };
  } finally {
    socket.destroy();
  }
}

/** Null when connected, else why not. */
function waitFor(socket: Socket, connected: 'connect' | 'secureConnect', timeoutMs: number): Promise<string | null> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, timeoutMs, 'timeout');
    const settle = (reason: string | null): void => {
      clearTimeout(timer);
      resolve(reason);
    };
    socket.once(connected, () => settle(null));
    socket.on('error', (error: NodeJS.ErrnoException) => settle(error.code ?? 'error'));
  });
}

function addressOf(text: string): { host: string; port: number; isTls: boolean } {
  const url = new URL(text);
  const isTls = url.protocol === 'https:';
  const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
  const defaultPort = isTls ? 443 : 80;
  return { host, port: url.port === '' ? defaultPort : Number(url.port), isTls };
}
