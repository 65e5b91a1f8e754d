/** Times as OpenTelemetry writes them. */
import type { HrTime } from '@opentelemetry/api';

/** Seconds and nanoseconds of milliseconds since 1970, or of a length of time. */
export function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.min(Math.round((ms - seconds * 1000) * 1e6), 999_999_999)];
}
