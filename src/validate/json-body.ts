/** Whether a body is JSON that all read alike, and fits its schema: the computing, wherever it runs. */
import type { Violations } from '../contracts/body-check.ts';
import type { Violation } from '../contracts/refusal.ts';
import { type Check, Report } from './schema/report.ts';
import { findJsonFault } from './strict-json.ts';

/** Null: it fits. */
export function checkJson(bytes: Buffer, check: Check): Violations | null {
  const fault = findJsonFault(bytes);
  if (fault !== null) return { violations: [fault], hasMore: false };
  return checkAgainst(check, JSON.parse(bytes.toString('utf8')), bytes.length);
}

/** `size`: of the value as text, which is what checking may cost in proportion to. */
export function checkAgainst(check: Check, value: unknown, size: number): Violations | null {
  const report = new Report(stepsFor(size));
  const fits = check(value, report, null);
  if (report.isSpent) return { violations: [tooComplex], hasMore: false };
  return fits ? null : { violations: report.violations, hasMore: report.hasMore };
}

/**
 * A value of n bytes has less than n parts, and a schema that holds each of them against 32 others is rare. One with
 * alternatives inside of alternatives can take exponential time: there it ends.
 */
function stepsFor(bytes: number): number {
  return 100_000 + 32 * bytes;
}

const tooComplex: Violation = { path: '', message: 'takes too long to be checked against the schema' };
