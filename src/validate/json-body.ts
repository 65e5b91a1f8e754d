/** Whether a body is JSON that all read alike, and fits its schema: the computing, wherever it runs. */
import type { Violations } from '../contracts/body-check.ts';
import { type Check, Report } from './schema/report.ts';
import { findJsonFault } from './strict-json.ts';

/** Null: it fits. */
export function checkJson(bytes: Buffer, check: Check): Violations | null {
  const found = checkJsonWithin(stepsFor(bytes.length), bytes, check);
  return found === 'spent' ? tooComplex : found;
}

/** `spent`: nobody knows yet; it takes more steps than these. */
export function checkJsonWithin(mostSteps: number, bytes: Buffer, check: Check): Violations | 'spent' | null {
  const fault = findJsonFault(bytes);
  if (fault !== null) return { violations: [fault], hasMore: false };
  return checkWithin(mostSteps, check, JSON.parse(bytes.toString('utf8')));
}

/** `size`: of the value as text, which is what checking may cost in proportion to. */
export function checkAgainst(check: Check, value: unknown, size: number): Violations | null {
  const found = checkWithin(stepsFor(size), check, value);
  return found === 'spent' ? tooComplex : found;
}

function checkWithin(mostSteps: number, check: Check, value: unknown): Violations | 'spent' | null {
  const report = new Report(mostSteps);
  const fits = check(value, report, null);
  if (report.isSpent) return 'spent';
  return fits ? null : { violations: report.violations, hasMore: report.hasMore };
}

/**
 * A value of n bytes has less than n parts, and a schema that holds each of them against 32 others is rare. One with
 * alternatives inside of alternatives can take exponential time: there it ends.
 */
function stepsFor(bytes: number): number {
  return 100_000 + 32 * bytes;
}

const tooComplex: Violations = {
  violations: [{ path: '', message: 'takes too long to be checked against the schema' }],
  hasMore: false,
};
