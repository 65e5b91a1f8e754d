/** From the config's `retries` to what requests read. */
import type { RetryConfig } from '../contracts/config.ts';
import type { RetryRule } from '../contracts/retry.ts';

export function compileRetryRule(config: RetryConfig): RetryRule {
  const { attempts, on, methods, backoff, maxBodyBytes } = config;
  return {
    attempts,
    onConnect: on.includes('connect'),
    onReset: on.includes('reset'),
    onTimeout: on.includes('timeout'),
    statuses: new Set(on.flatMap(statusesOf)),
    methods: new Set(methods),
    backoff,
    maxBodyBytes,
  };
}

function statusesOf(condition: string): number[] {
  if (condition === '5xx') return Array.from({ length: 100 }, (_, i) => 500 + i);
  return /^\d+$/.test(condition) ? [Number(condition)] : [];
}
