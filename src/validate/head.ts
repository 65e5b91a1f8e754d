/** Header fields and query parameters, each held against its schema; all violations of both make one refusal. */
import type { Violations } from '../contracts/body-check.ts';
import type { RequestHead } from '../contracts/exchange.ts';
import type { RequestError, Verdict } from '../contracts/refusal.ts';
import { type Coerce, compileCoercion } from './coercion.ts';
import { checkAgainst } from './json-body.ts';
import { type Parameters, readFields, readQuery } from './parameters.ts';
import { violated } from './refusals.ts';
import { compileSchema } from './schema/compile.ts';
import type { Check } from './schema/report.ts';

export type HeadCheck = (head: RequestHead) => Verdict;

/** Null: neither has a schema. */
export function compileHeadCheck(headers: unknown, query: unknown): HeadCheck | null {
  if (headers === null && query === null) return null;
  const fieldsCheck = headers === null ? null : compileParameters(headers, ',');
  const queryCheck = query === null ? null : compileParameters(query, null);
  return (head) => {
    const inFields =
      fieldsCheck === null ? null : fieldsCheck.judge(readFields(head.rawHeaders), sizeOf(head.rawHeaders));
    const inQuery = queryCheck === null ? null : judgeQuery(head, queryCheck);
    if (inFields === null && inQuery === null) return null;
    const errors = [...errorsOf(inFields, 'headers'), ...errorsOf(inQuery, 'query')];
    return violated(errors, inFields?.hasMore === true || inQuery?.hasMore === true);
  };
}

interface ParameterCheck {
  judge(parameters: Parameters, size: number): Violations | null;
}

function compileParameters(schema: unknown, comma: ',' | null): ParameterCheck {
  const coerce: Coerce = compileCoercion(schema, comma);
  const check: Check = compileSchema(schema);
  return {
    judge(parameters, size) {
      coerce(parameters);
      return checkAgainst(check, parameters, size);
    },
  };
}

function judgeQuery({ target, queryAt }: RequestHead, check: ParameterCheck): Violations | null {
  const { parameters, faults } = readQuery(target, queryAt);
  const found = check.judge(parameters, target.length);
  if (faults.length === 0) return found;
  return { violations: [...faults, ...(found?.violations ?? [])], hasMore: found?.hasMore ?? false };
}

function sizeOf(rawHeaders: readonly string[]): number {
  let size = 0;
  for (const text of rawHeaders) size += text.length;
  return size;
}

function errorsOf(found: Violations | null, part: 'headers' | 'query'): RequestError[] {
  return (found?.violations ?? []).map(({ path, message }) => ({ path, message, in: part }));
}
