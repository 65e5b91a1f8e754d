/** The keywords that put schemas together: they hold the same value against other schemas. */
import type { CompileSchema } from './compile.ts';
import type { SchemaObject } from './keywords.ts';
import { type Check, Evaluated, type Report } from './report.ts';
import { isObject } from './value-checks.ts';

export function checkLogic(schema: SchemaObject, compile: CompileSchema): Check[] {
  const { allOf, anyOf, oneOf, dependencies, dependentSchemas } = schema;
  const checks: Check[] = [];
  if (Array.isArray(allOf)) checks.push(...allOf.map(compile));
  if (Array.isArray(anyOf)) checks.push(checkAnyOf(anyOf.map(compile)));
  if (Array.isArray(oneOf)) checks.push(checkOneOf(oneOf.map(compile)));
  if (Object.hasOwn(schema, 'not')) checks.push(checkNot(compile(schema['not'])));
  if (Object.hasOwn(schema, 'if')) checks.push(checkIf(schema, compile));
  for (const [name, then] of [...entriesOf(dependencies), ...entriesOf(dependentSchemas)]) {
    if (!Array.isArray(then)) checks.push(checkDependent(name, compile(then)));
  }
  return checks;
}

/** Whether the value fits; what the schema has looked at counts only then. */
function ask(check: Check, value: unknown, report: Report, evaluated: Evaluated | null): boolean {
  if (evaluated === null) return report.ask(check, value, null);
  const looked = new Evaluated();
  const fits = report.ask(check, value, looked);
  if (!fits) return false;
  evaluated.add(looked);
  return report.step(looked.size);
}

function checkAnyOf(checks: readonly Check[]): Check {
  return (value, report, evaluated) => {
    let fits = false;
    for (const check of checks) {
      if (ask(check, value, report, evaluated)) fits = true;
      // Each one that fits may have looked at something else.
      if (fits && evaluated === null) return true;
    }
    return fits || report.fail('fits none of the alternatives');
  };
}

function checkOneOf(checks: readonly Check[]): Check {
  return (value, report, evaluated) => {
    let fitting = 0;
    for (const check of checks) if (ask(check, value, report, evaluated)) fitting++;
    if (fitting === 1) return true;
    return report.fail(fitting === 0 ? 'fits none of the alternatives' : 'fits more than one of the alternatives');
  };
}

function checkNot(check: Check): Check {
  return (value, report) => !report.ask(check, value, null) || report.fail('is of a kind that is not allowed');
}

function checkIf(schema: SchemaObject, compile: CompileSchema): Check {
  const condition = compile(schema['if']);
  const then = compile(schema['then'] ?? true);
  const otherwise = compile(schema['else'] ?? true);
  return (value, report, evaluated) =>
    ask(condition, value, report, evaluated) ? then(value, report, evaluated) : otherwise(value, report, evaluated);
}

function entriesOf(map: unknown): [name: string, of: unknown][] {
  return Object.entries((map ?? {}) as object);
}

function checkDependent(name: string, check: Check): Check {
  return (value, report, evaluated) =>
    !isObject(value) || !Object.hasOwn(value, name) || check(value, report, evaluated);
}
