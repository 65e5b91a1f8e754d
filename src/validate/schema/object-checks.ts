/** The keywords that ask about objects. */
import type { CompileSchema } from './compile.ts';
import type { SchemaObject } from './keywords.ts';
import type { Check, Evaluated, Report } from './report.ts';
import { isObject } from './value-checks.ts';

type Members = Readonly<Record<string, unknown>>;
type Schemas = Readonly<Record<string, unknown>>;

export function checkObject(schema: SchemaObject, compile: CompileSchema): Check[] {
  const { minProperties, maxProperties, required, propertyNames, dependentRequired } = schema;
  const checks: Check[] = [];
  if (Array.isArray(required)) checks.push(checkRequired(required as readonly string[]));
  const members = checkMembers(schema, compile);
  if (members !== null) checks.push(members);
  if (propertyNames !== undefined) checks.push(checkNames(compile(propertyNames)));
  if (typeof minProperties === 'number') {
    checks.push(checkCount((count) => count >= minProperties, `must have at least ${minProperties} members`));
  }
  if (typeof maxProperties === 'number') {
    checks.push(checkCount((count) => count <= maxProperties, `must have at most ${maxProperties} members`));
  }
  // Before 2019-09 the two dependent… keywords were one. A schema may have both, also for the same name.
  for (const dependencies of [schema['dependencies'], dependentRequired]) {
    for (const [name, needed] of Object.entries((dependencies ?? {}) as Schemas)) {
      if (Array.isArray(needed)) checks.push(checkDependency(name, needed as readonly string[]));
    }
  }
  return checks;
}

function onObject(check: (object: Members, report: Report) => boolean): Check {
  return (value, report) => !isObject(value) || check(value, report);
}

function checkCount(fits: (count: number) => boolean, message: string): Check {
  return onObject((object, report) => {
    const count = Object.keys(object).length;
    return report.step(count) && (fits(count) || report.fail(message));
  });
}

function checkRequired(names: readonly string[]): Check {
  return onObject((object, report) => {
    if (!report.step(names.length)) return false;
    let fits = true;
    for (const name of names) {
      if (Object.hasOwn(object, name)) continue;
      fits = report.failAt(name, 'is missing');
      if (report.isAsked) return false;
    }
    return fits;
  });
}

function checkDependency(name: string, needed: readonly string[]): Check {
  return onObject((object, report) => {
    if (!Object.hasOwn(object, name)) return true;
    let fits = true;
    for (const other of needed) {
      if (!Object.hasOwn(object, other)) fits = report.failAt(other, `is missing beside ${JSON.stringify(name)}`);
    }
    return fits;
  });
}

function checkNames(check: Check): Check {
  return onObject((object, report) => {
    const names = Object.keys(object);
    if (!report.step(names.length)) return false;
    let fits = true;
    for (const name of names) {
      if (!report.ask(check, name, null)) fits = report.failAt(name, 'has a name that is not allowed');
      if (!fits && (report.isAsked || report.isOver)) return false;
    }
    return fits;
  });
}

/** `properties`, `patternProperties` and `additionalProperties`, in one walk over the members. */
function checkMembers(schema: SchemaObject, compile: CompileSchema): Check | null {
  const { properties, patternProperties, additionalProperties } = schema;
  if (properties === undefined && patternProperties === undefined && additionalProperties === undefined) return null;
  const named = new Map(Object.entries((properties ?? {}) as Schemas).map(([name, of]) => [name, compile(of)]));
  const patterns = Object.entries((patternProperties ?? {}) as Schemas).map(
    ([pattern, of]) => [new RegExp(pattern, 'u'), compile(of)] as const,
  );
  const others = additionalProperties === undefined ? null : compile(additionalProperties);
  return (value, report, evaluated) => {
    if (!isObject(value)) return true;
    const names = Object.keys(value);
    if (!report.step(names.length * (1 + patterns.length))) return false;
    let fits = true;
    for (const name of names) {
      if (memberFits(name, value[name], report, evaluated)) continue;
      fits = false;
      if (report.isAsked || report.isOver) return false;
    }
    return fits;
  };

  function memberFits(name: string, member: unknown, report: Report, evaluated: Evaluated | null): boolean {
    const own = named.get(name);
    let isKnown = own !== undefined;
    let fits = true;
    report.enter(name);
    if (own !== undefined && !own(member, report, null)) fits = false;
    for (const [pattern, check] of patterns) {
      if (!pattern.test(name)) continue;
      isKnown = true;
      if (!check(member, report, null)) fits = false;
    }
    if (!isKnown && others !== null) {
      isKnown = true;
      if (!others(member, report, null)) fits = false;
    }
    report.leave();
    if (isKnown && evaluated !== null) evaluated.names.add(name);
    return fits;
  }
}
