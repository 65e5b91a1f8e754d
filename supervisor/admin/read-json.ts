/** The small JSON bodies of changes: an object with members that are known, and nothing else. */
import { longestTimerMs } from '../../src/core/longest-timer.ts';
import { parseDuration } from '../../src/core/units.ts';
import { AdminError } from './endpoint.ts';

/** Enough for every such body. */
export const maxJsonBytes = 4096;

/** No body is `{}`. Throws for what is no object, and for members that are not in `known`. */
export function readJson(body: Buffer, known: readonly string[]): Readonly<Record<string, unknown>> {
  if (body.length === 0) return {};
  const value = parse(body);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad('the body is no JSON object');
  for (const name of Object.keys(value)) {
    if (!known.includes(name)) throw bad(`the body has "${name}"; known is ${known.join(', ')}`);
  }
  return value as Readonly<Record<string, unknown>>;
}

/** Milliseconds of `250`, `"30s"` or `"5m"`; null when it is not there. */
export function readDuration(name: string, value: unknown): number | null {
  if (value === undefined) return null;
  const ms = typeof value === 'string' ? parseDuration(value) : value;
  if (typeof ms === 'number' && Number.isSafeInteger(ms) && ms >= 1 && ms <= longestTimerMs) return ms;
  throw bad(`"${name}" is no duration such as "30s" or "5m", of at most 24 days`);
}

export function bad(detail: string): AdminError {
  return new AdminError({ status: 400, code: 'bad_request', detail });
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw bad('the body is not valid JSON');
  }
}
