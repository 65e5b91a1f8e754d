/** A Redis as the config describes it, with what a test leaves out. */
import type { RedisConfig } from '../../src/contracts/config.ts';

export function redisConfig(config: Partial<RedisConfig>): RedisConfig {
  return {
    url: 'redis://localhost:6379',
    onError: 'local',
    sentinels: [],
    sentinelName: null,
    cluster: [],
    prefix: 'sluice',
    tls: null,
    ...config,
  };
}
