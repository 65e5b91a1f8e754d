/** Where the references of a schema lead. All of them stay inside of the document: nothing is fetched. */
import { refStandsAlone, type SchemaObject } from './keywords.ts';
import type { Reference, SchemaPath, Survey } from './survey.ts';
import { isObject } from './value-checks.ts';

/** Targets by the reference's text; what leads nowhere becomes a problem of the survey. */
export function resolveReferences(survey: Survey): ReadonlyMap<string, unknown> {
  const targets = new Map<string, unknown>();
  for (const reference of survey.references) {
    const target = findTarget(survey, reference);
    if (target !== undefined) targets.set(reference.text, target);
  }
  if (survey.problems.every(({ severity }) => severity === 'warning')) refuseCircles(survey, targets);
  return targets;
}

function findTarget(survey: Survey, { path, text }: Reference): unknown {
  const isOwn = survey.id !== '' && (text === survey.id || text.startsWith(`${survey.id}#`));
  const local = isOwn ? text.slice(survey.id.length) || '#' : text;
  if (!local.startsWith('#')) {
    survey.error(
      path,
      `${JSON.stringify(text)} leads out of this schema, and nothing is fetched`,
      'a place in here, such as "#/$defs/item"',
    );
    return undefined;
  }
  const fragment = decode(local.slice(1));
  const target =
    fragment === '' || fragment.startsWith('/') ? survey.schemas.get(fragment) : survey.anchors.get(fragment);
  if (target === undefined) {
    const known = [...survey.schemas.keys()].filter((pointer) => /^\/(\$defs|definitions)\/[^/]+$/.test(pointer));
    survey.unknownWord(
      path,
      text,
      'no place of a schema in here',
      known.map((pointer) => `#${pointer}`),
    );
  }
  return target;
}

function decode(fragment: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment;
  }
}

/** A schema that asks itself about the same value would never answer. */
function refuseCircles(survey: Survey, targets: ReadonlyMap<string, unknown>): void {
  const paths = new Map<unknown, SchemaPath>(survey.references.map(({ from, path }) => [from, path]));
  const done = new Set<unknown>();
  const under = new Set<unknown>();
  const visit = (schema: unknown, reference: SchemaPath): void => {
    if (!isObject(schema) || done.has(schema)) return;
    const at = paths.get(schema) ?? reference;
    if (under.has(schema)) {
      survey.error(reference, 'leads back to itself before anything is checked');
      done.add(schema);
      return;
    }
    under.add(schema);
    for (const asked of askedAboutTheSame(schema, survey, targets)) visit(asked, at);
    under.delete(schema);
    done.add(schema);
  };
  for (const { from, path } of survey.references) visit(from, path);
}

function askedAboutTheSame(schema: SchemaObject, survey: Survey, targets: ReadonlyMap<string, unknown>): unknown[] {
  const referred = (['$ref', '$dynamicRef', '$recursiveRef'] as const).map((key) => targets.get(schema[key] as string));
  if (Object.hasOwn(schema, '$ref') && refStandsAlone(survey.dialect)) return referred;
  const lists = ['allOf', 'anyOf', 'oneOf'].flatMap((key) => (schema[key] as unknown[] | undefined) ?? []);
  const maps = ['dependentSchemas', 'dependencies'].flatMap((key) =>
    Object.values((schema[key] as object | undefined) ?? {}),
  );
  return [...referred, ...lists, ...maps, schema['not'], schema['if'], schema['then'], schema['else']];
}
