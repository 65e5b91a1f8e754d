/** The keywords that ask about arrays. */
import type { CompileSchema } from './compile.ts';
import type { Dialect, SchemaObject } from './keywords.ts';
import type { Check, Report } from './report.ts';
import { textOf } from './same-value.ts';

export function checkArray(schema: SchemaObject, dialect: Dialect, compile: CompileSchema): Check[] {
  const { minItems, maxItems, uniqueItems } = schema;
  const checks: Check[] = [];
  if (typeof minItems === 'number') {
    checks.push(
      onArray((list, report) => list.length >= minItems || report.fail(`must have at least ${minItems} items`)),
    );
  }
  if (typeof maxItems === 'number') {
    checks.push(
      onArray((list, report) => list.length <= maxItems || report.fail(`must have at most ${maxItems} items`)),
    );
  }
  if (uniqueItems === true) checks.push(onArray(isUnique));
  const items = checkItems(schema, compile);
  if (items !== null) checks.push(items);
  if (Object.hasOwn(schema, 'contains')) checks.push(checkContains(schema, dialect, compile));
  return checks;
}

function onArray(check: (list: readonly unknown[], report: Report) => boolean): Check {
  return (value, report) => !Array.isArray(value) || check(value, report);
}

function isUnique(list: readonly unknown[], report: Report): boolean {
  const seen = new Set<string>();
  let fits = true;
  for (const [i, item] of list.entries()) {
    const text = textOf(item);
    if (!report.step(text.length)) return false;
    if (seen.has(text)) {
      fits = report.failAt(i, 'is there twice');
      if (report.isAsked || report.isOver) return false;
    }
    seen.add(text);
  }
  return fits;
}

/** Up to 2019-09, `items` with a list is what `prefixItems` is now, and `additionalItems` what `items` is. */
function checkItems(schema: SchemaObject, compile: CompileSchema): Check | null {
  const isOld = Array.isArray(schema['items']);
  const first = ((isOld ? schema['items'] : schema['prefixItems']) ?? []) as readonly unknown[];
  const rest = isOld ? schema['additionalItems'] : schema['items'];
  if (first.length === 0 && rest === undefined) return null;
  const firstChecks = first.map(compile);
  const restCheck = rest === undefined ? null : compile(rest);
  return (value, report, evaluated) => {
    if (!Array.isArray(value)) return true;
    const checked = restCheck === null ? Math.min(firstChecks.length, value.length) : value.length;
    let fits = true;
    for (let i = 0; i < checked; i++) {
      const check = firstChecks[i] ?? (restCheck as Check);
      report.enter(i);
      const itemFits = check(value[i], report, null);
      report.leave();
      if (itemFits) continue;
      fits = false;
      if (report.isAsked || report.isOver) return false;
    }
    if (evaluated !== null) evaluated.firstItems = Math.max(evaluated.firstItems, checked);
    return fits;
  };
}

function checkContains(schema: SchemaObject, dialect: Dialect, compile: CompileSchema): Check {
  const wanted = compile(schema['contains']);
  const least = (schema['minContains'] ?? 1) as number;
  const most = (schema['maxContains'] ?? Number.POSITIVE_INFINITY) as number;
  // In 2019-09, items that `contains` has looked at are still unevaluated.
  const isEvaluating = dialect === '2020-12';
  return (value, report, evaluated) => {
    if (!Array.isArray(value)) return true;
    if (!report.step(value.length)) return false;
    let found = 0;
    for (const [i, item] of value.entries()) {
      if (!report.ask(wanted, item, null)) continue;
      found++;
      if (isEvaluating) evaluated?.indexes.add(i);
    }
    if (found < least) return report.fail(`must contain at least ${least} items of a certain kind, and has ${found}`);
    return found <= most || report.fail(`must contain at most ${most} items of a certain kind, and has ${found}`);
  };
}
