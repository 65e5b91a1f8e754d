/** Which policy of the config a refusal comes from: the values of `shadow_decisions_total{policy}`. */
import type { RefusalCode } from '../contracts/refusal.ts';

const policies: Partial<Record<RefusalCode, string>> = {
  unauthorized: 'auth',
  forbidden: 'consumers',
  circuit_open: 'circuitBreaker',
  overloaded: 'overload',
  rate_limited: 'rateLimit',
  rate_limiter_unavailable: 'rateLimit',
  validation_failed: 'validate',
  unsupported_media_type: 'validate',
  body_too_large: 'validate',
};

/** Only policies have a shadow mode: another code here is a bug, and is better shown than thrown. */
export function policyOf(code: RefusalCode): string {
  return policies[code] ?? code;
}
