/** Opens a connection to Redis as the config describes it: one server, found through sentinels, or a cluster; plain or TLS. */
import type { ConnectionOptions } from 'node:tls';
import { Cluster, Redis } from 'ioredis';
import type { RedisConfig } from '../contracts/config.ts';
import { upstreamTlsOptions } from '../core/upstream-tls.ts';
import type { ScriptCall } from './script.ts';

/** A way to Redis, whatever stands behind it. */
export interface RedisConnection {
  /** Resolves with the script's answer, rejects when there is none or it is an error. Never queued while there is no connection. */
  run(call: ScriptCall): Promise<unknown>;
  /** Drops the connection and makes a new one; what is under way fails. */
  reconnect(): void;
  close(): void;
}

export interface ConnectionEvents {
  readonly onReady: () => void;
  readonly onLost: (reason: string) => void;
}

const retryMs = 250;
const connectMs = 1000;

export function openRedis(config: RedisConfig, events: ConnectionEvents): RedisConnection {
  return config.cluster.length > 0 ? openCluster(config, events) : openSingle(config, events);
}

function openSingle(config: RedisConfig, events: ConnectionEvents): RedisConnection {
  const redis = new Redis({ ...baseOptions(config), ...placeOf(config), retryStrategy: () => retryMs });
  listen(redis, events);
  return {
    run: (call) => runScript(redis, call),
    reconnect: () => (redis.status === 'end' ? void redis.connect().catch(nothing) : redis.disconnect(true)),
    close: () => redis.disconnect(),
  };
}

function openCluster(config: RedisConfig, events: ConnectionEvents): RedisConnection {
  const { host: _host, port: _port, ...redisOptions } = baseOptions(config);
  const cluster = new Cluster(config.cluster.map(hostAndPort), {
    enableOfflineQueue: false,
    clusterRetryStrategy: () => retryMs,
    slotsRefreshTimeout: connectMs,
    // Who serves which slot is asked again and again, instead of keeping calls until it may have changed.
    slotsRefreshInterval: connectMs,
    retryDelayOnClusterDown: 0,
    retryDelayOnFailover: 0,
    // Certificates name hosts, so addresses must not be put in their place before TLS has looked.
    ...(redisOptions.tls === undefined ? {} : { dnsLookup: (address, done) => done(null, address) }),
    redisOptions,
  });
  // Else each server would be connected to with the first call for it, and that call would be late.
  const onReady = (): void => {
    void Promise.allSettled(cluster.nodes('master').map((node) => node.ping())).then(events.onReady);
  };
  listen(cluster, { ...events, onReady });
  return {
    run: (call) => runScript(cluster, call),
    reconnect: () => (cluster.status === 'end' ? void cluster.connect().catch(nothing) : cluster.disconnect(true)),
    close: () => cluster.disconnect(),
  };
}

/** By its hash; Redis has forgotten the text after a restart, and gets it again. */
async function runScript(client: Redis | Cluster, { script, keys, args }: ScriptCall): Promise<unknown> {
  const rest = [keys.length, ...keys, ...args] as const;
  try {
    return await client.evalsha(script.sha, ...rest);
  } catch (error) {
    if (!(error as Error).message.startsWith('NOSCRIPT')) throw error;
    return await client.eval(script.text, ...rest);
  }
}

/**
 * ioredis must never wait or remember on its own: a command without a connection fails at once, one that got no answer
 * is not sent again, and reconnecting goes on for ever at a steady pace.
 */
function baseOptions({ url, tls }: RedisConfig) {
  const { hostname, port, username, password, pathname, protocol } = new URL(url);
  const db = Number(pathname.slice(1));
  return {
    host: unbracket(hostname),
    port: port === '' ? 6379 : Number(port),
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
    ...(Number.isInteger(db) && db > 0 ? { db } : {}),
    ...(protocol === 'rediss:' ? { tls: tlsOptions(tls) } : {}),
    connectTimeout: connectMs,
    disconnectTimeout: 100,
    maxLoadingRetryTime: 500,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectionName: 'sluice',
    disableClientInfo: true,
  };
}

/** The name that a certificate must show is that of the server connected to, which ioredis knows, unless the config has another. */
function tlsOptions(tls: RedisConfig['tls']): ConnectionOptions {
  const { secureContext, rejectUnauthorized } = upstreamTlsOptions(tls, '');
  const servername = tls?.servername ?? null;
  return { secureContext, rejectUnauthorized, ...(servername === null ? {} : { servername }) };
}

function placeOf({ sentinels, sentinelName, url, tls }: RedisConfig) {
  const [first] = sentinels;
  if (first === undefined) return {};
  const { username, password, protocol } = parseNode(first);
  return {
    sentinels: sentinels.map(hostAndPort),
    ...(username === '' ? {} : { sentinelUsername: decodeURIComponent(username) }),
    ...(password === '' ? {} : { sentinelPassword: decodeURIComponent(password) }),
    ...(protocol === 'rediss:' ? { sentinelTLS: tlsOptions(tls) } : {}),
    name: sentinelName ?? 'mymaster',
    sentinelRetryStrategy: () => retryMs,
    sentinelCommandTimeout: connectMs,
    enableTLSForSentinelMode: url.startsWith('rediss:'),
  };
}

/** `host`, `host:port`, `[v6]:port`, or the same as a redis:// url. */
function hostAndPort(text: string): { host: string; port: number } {
  const { hostname, port } = parseNode(text);
  return { host: unbracket(hostname), port: port === '' ? 6379 : Number(port) };
}

function parseNode(text: string): URL {
  return new URL(text.includes('://') ? text : `redis://${text}`);
}

function unbracket(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}

function listen(client: Redis | Cluster, { onReady, onLost }: ConnectionEvents): void {
  // An error by itself changes nothing: what it is about closes, or fails a command. But it knows the reason, and
  // without a listener it would end the process. Only its message is kept: the object may hold an AUTH's arguments.
  let reason = closed;
  client.on('error', (error: Error) => {
    reason = messageOf(error);
  });
  client.on('ready', () => {
    reason = closed;
    onReady();
  });
  client.on('close', () => onLost(reason));
  client.on('end', () => onLost(reason));
}

const closed = 'the connection was closed';

/** Redis is there and says no, as opposed to a connection that fails. */
export function isReply(error: Error): boolean {
  return error.name === 'ReplyError';
}

/** `connect ECONNREFUSED 127.0.0.1:6379` rather than an empty AggregateError. */
export function messageOf(error: Error): string {
  const inner = (error as AggregateError).errors?.[0] as Error | undefined;
  return error.message === '' && inner !== undefined ? inner.message : error.message;
}

function nothing(): void {}
