/** Checks of `rateLimit`: limits that can be told apart and a Redis that can be reached. */
import { type ClientTls, checkClientTls } from './check-certificates.ts';
import { type Checking, checkSelector, tryParse } from './checking.ts';
import { isHostAndPort, parseUrl } from './formats.ts';
import type { Environment } from './interpolate.ts';
import type { KeyPath } from './problem.ts';

export const limitKeys: readonly string[] = ['client', 'ip', 'consumer', 'all'];

/** `parsePath` throws an Error that says what is wrong with a path. */
export function checkRateLimit(
  checking: Checking,
  environment: Environment,
  parsePath: (path: string) => unknown,
): void {
  const { file } = checking;
  checkSelector(checking, ['rateLimit', 'global', 'key'], file.rateLimit?.global?.key, limitKeys);
  file.rateLimit?.perRoute?.forEach((limit, i) => {
    const path = ['rateLimit', 'perRoute', i];
    const pattern = limit?.path;
    checkSelector(checking, [...path, 'key'], limit?.key, limitKeys);
    if (pattern !== undefined) tryParse(checking, [...path, 'path'], () => parsePath(pattern));
  });
  checkRedis(checking, environment);
}

function checkRedis(checking: Checking, environment: Environment): void {
  const { file, findings } = checking;
  const redis = file.rateLimit?.redis;
  const path = ['rateLimit', 'redis'];
  if (redis !== undefined && !findings.has(['rateLimit', 'backend']))
    findings.warn(path, 'does nothing without `backend: redis`', { at: 'key', value: null });
  checkRedisUrl(checking, [...path, 'url'], redis?.url);
  checkPrefix(checking, [...path, 'prefix'], redis?.prefix);
  checkNodes(checking, [...path, 'sentinels'], redis?.sentinels);
  checkNodes(checking, [...path, 'cluster'], redis?.cluster);
  if ((redis?.sentinels?.length ?? 0) > 0 && (redis?.cluster?.length ?? 0) > 0) {
    findings.error([...path, 'cluster'], "can't go with sentinels", {
      expected: 'one of sentinels and cluster',
      value: null,
    });
  }
  const replacement = environment['REDIS_URL'] ?? '';
  if (redis?.tls !== undefined) checkRedisTls(checking, [...path, 'tls'], redis.tls, replacement || (redis.url ?? ''));
  if (file.rateLimit?.backend !== 'redis' || replacement === '' || isRedisUrl(replacement)) return;
  findings.error([...path, 'url'], 'the environment variable REDIS_URL, which replaces it, is no url of a Redis', {
    expected: 'redis://host:port or rediss://host:port',
    value: null,
  });
}

function checkRedisTls(checking: Checking, path: KeyPath, tls: ClientTls, url: string): void {
  checkClientTls(checking, path, tls, 'this Redis');
  if (url.startsWith('rediss:')) return;
  checking.findings.warn(path, 'does nothing: the url is not rediss://', { at: 'key', value: null });
}

function checkRedisUrl({ findings }: Checking, path: KeyPath, url: string | undefined): void {
  if (url === undefined || isRedisUrl(url)) return;
  findings.error(path, `${findings.show(path)} is no url of a Redis`, {
    expected: 'redis://host:port or rediss://host:port',
  });
}

function isRedisUrl(text: string): boolean {
  const url = parseUrl(text);
  return url !== null && /^rediss?:$/.test(url.protocol) && url.hostname !== '';
}

/** Braces would say to a cluster which slot a key belongs to, in place of ours. */
function checkPrefix({ findings }: Checking, path: KeyPath, prefix: string | undefined): void {
  if (prefix === undefined || /^[\w.:-]{1,64}$/.test(prefix)) return;
  findings.error(path, `${findings.show(path)} does not fit before the names of keys`, {
    expected: '1 to 64 letters, digits and - _ . :',
  });
}

function checkNodes({ findings }: Checking, path: KeyPath, nodes: readonly (string | undefined)[] | undefined): void {
  nodes?.forEach((node, i) => {
    if (node === undefined || isHostAndPort(node)) return;
    findings.error([...path, i], `${findings.show([...path, i])} is no address of a Redis`, {
      expected: 'host:port, such as redis-1:6379',
    });
  });
}
