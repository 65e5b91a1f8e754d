/**
 * A JSON Schema as functions, made once: each keyword becomes a check, a schema the list of its checks. Written here, and
 * not taken from a library, for what a gateway needs of it: every check costs in proportion to the value, the whole is
 * bounded, and violations are found in the same walk (docs/decisions/0009-json-schema.md).
 */
import { checkArray } from './array-checks.ts';
import { type Dialect, refStandsAlone, type SchemaObject } from './keywords.ts';
import { checkLogic } from './logic-checks.ts';
import { checkNumber } from './number-checks.ts';
import { checkObject } from './object-checks.ts';
import { surveySchema } from './problems.ts';
import { type Check, Evaluated, type Report } from './report.ts';
import { checkString } from './string-checks.ts';
import { checkValue, isObject } from './value-checks.ts';

/** The check of a schema inside of the one that is being compiled. */
export type CompileSchema = (schema: unknown) => Check;

/** Throws when the schema has errors: `check` has found them before. */
export function compileSchema(root: unknown): Check {
  const { survey, targets } = surveySchema(root);
  const error = survey.problems.find(({ severity }) => severity === 'error');
  if (error !== undefined) throw new Error(`the schema at /${error.path.join('/')} ${error.message}`);
  return new Compiling(survey.dialect, targets).compile(root);
}

class Compiling {
  readonly #dialect: Dialect;
  readonly #targets: ReadonlyMap<string, unknown>;
  /** Schemas that are compiled, or (null) being compiled: one that refers to itself is met again inside of itself. */
  readonly #known = new Map<unknown, Check | null>();

  constructor(dialect: Dialect, targets: ReadonlyMap<string, unknown>) {
    this.#dialect = dialect;
    this.#targets = targets;
  }

  readonly compile: CompileSchema = (schema) => {
    if (schema === true) return accept;
    if (!isObject(schema)) return refuse;
    const known = this.#known.get(schema);
    if (known === null)
      return (value, report, evaluated) => (this.#known.get(schema) as Check)(value, report, evaluated);
    if (known !== undefined) return known;
    this.#known.set(schema, null);
    const check = this.#compileObject(schema);
    this.#known.set(schema, check);
    return check;
  };

  #compileObject(schema: SchemaObject): Check {
    const referred = this.#compileReferences(schema);
    if (Object.hasOwn(schema, '$ref') && refStandsAlone(this.#dialect)) return checkAll(referred);
    const check = checkAll([
      ...checkValue(schema),
      ...checkNumber(schema),
      ...checkString(schema),
      ...checkObject(schema, this.compile),
      ...checkArray(schema, this.#dialect, this.compile),
      ...referred,
      ...checkLogic(schema, this.compile),
    ]);
    return this.#compileUnevaluated(schema, check);
  }

  #compileReferences(schema: SchemaObject): Check[] {
    return (['$ref', '$dynamicRef', '$recursiveRef'] as const).flatMap((key) =>
      Object.hasOwn(schema, key) ? [this.compile(this.#targets.get(schema[key] as string))] : [],
    );
  }

  /** What no other keyword has looked at: these two are checked last. */
  #compileUnevaluated(schema: SchemaObject, check: Check): Check {
    const { unevaluatedItems, unevaluatedProperties } = schema;
    if (unevaluatedItems === undefined && unevaluatedProperties === undefined) return check;
    const items = unevaluatedItems === undefined ? null : this.compile(unevaluatedItems);
    const members = unevaluatedProperties === undefined ? null : this.compile(unevaluatedProperties);
    return (value, report, outer) => {
      const evaluated = new Evaluated();
      let fits = check(value, report, evaluated);
      if (items !== null && Array.isArray(value)) fits = checkOtherItems(items, value, report, evaluated) && fits;
      if (members !== null && isObject(value)) fits = checkOtherMembers(members, value, report, evaluated) && fits;
      outer?.add(evaluated);
      return report.step(evaluated.size) && fits;
    };
  }
}

const accept: Check = () => true;
const refuse: Check = (_, report) => report.fail('is not allowed');

/** All of them, in order; for a yes or no the first "no" is enough. */
function checkAll(checks: readonly Check[]): Check {
  return (value, report, evaluated) => {
    if (!report.step()) return false;
    let fits = true;
    for (const check of checks) {
      if (check(value, report, evaluated)) continue;
      if (report.isAsked || report.isOver) return false;
      fits = false;
    }
    return fits;
  };
}

function checkOtherItems(check: Check, list: readonly unknown[], report: Report, evaluated: Evaluated): boolean {
  let fits = true;
  for (let i = evaluated.firstItems; i < list.length; i++) {
    if (evaluated.indexes.has(i)) continue;
    report.enter(i);
    if (!check(list[i], report, null)) fits = false;
    report.leave();
  }
  evaluated.firstItems = list.length;
  return fits;
}

function checkOtherMembers(
  check: Check,
  object: Readonly<Record<string, unknown>>,
  report: Report,
  evaluated: Evaluated,
): boolean {
  let fits = true;
  for (const name of Object.keys(object)) {
    if (evaluated.names.has(name)) continue;
    report.enter(name);
    if (!check(object[name], report, null)) fits = false;
    report.leave();
    evaluated.names.add(name);
  }
  return fits;
}
