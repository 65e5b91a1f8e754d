/** One rate limit with its defaults filled in. */
import type { LimitConfig, Mode } from '../contracts/config.ts';
import type { RouteEntry } from './schema.ts';

export function resolveLimit(limit: NonNullable<RouteEntry['rateLimit']>, defaultMode: Mode = 'enforce'): LimitConfig {
  return {
    max: limit.max,
    windowMs: limit.windowMs,
    key: limit.key ?? 'client',
    message: limit.message ?? null,
    mode: limit.mode ?? defaultMode,
  };
}
