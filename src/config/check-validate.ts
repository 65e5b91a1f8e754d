/** Checks of a route's `validate`: media types that can be met, and JSON Schemas that mean something, each in its own lines. */

import { findMediaRangeFault } from '../validate/media-types.ts';
import { findSchemaProblems } from '../validate/schema/problems.ts';
import type { SchemaProblem } from '../validate/schema/survey.ts';
import { besides, type Checking, checkFileExists } from './checking.ts';
import { Findings } from './findings.ts';
import { findNearest } from './nearest.ts';
import type { KeyPath } from './problem.ts';
import { readConfigFile, type Source } from './read.ts';
import type { RouteEntry } from './schema.ts';
import type { Loose } from './shape.ts';

type Validate = Loose<NonNullable<RouteEntry['validate']>>;

const parts = ['headers', 'query', 'body'] as const;

export function checkValidate(checking: Checking, path: KeyPath, validate: Validate | undefined): void {
  if (validate === undefined) return;
  const { findings } = checking;
  validate.contentTypes?.forEach((type, i) => {
    const fault = type === undefined ? null : findMediaRangeFault(type);
    if (fault === null) return;
    findings.error([...path, 'contentTypes', i], `${findings.show([...path, 'contentTypes', i])} ${fault}`, {
      expected: 'a media type such as application/json, text/* or application/*+json, without parameters',
    });
  });
  for (const part of parts) checkSchema(checking, [...path, part], part, validate[part]);
  const asks = parts.some((part) => findings.has([...path, part])) || (validate.contentTypes?.length ?? 0) > 0;
  if (!asks)
    findings.warn(path, 'asks for nothing', {
      at: 'key',
      value: null,
      expected: 'contentTypes, headers, query or body',
    });
}

/** A schema that many routes name is a file that is read once. */
function checkSchema(checking: Checking, path: KeyPath, part: (typeof parts)[number], written: unknown): void {
  if (written === undefined) return;
  const { findings, attached } = checking;
  if (typeof written !== 'string') {
    report(findings, path, findSchemaProblems(written));
    if (part === 'headers') checkFieldNames(findings, path, path, written);
    return;
  }
  if (!attached.schemas.has(written)) loadSchema(checking, path, written);
  if (part === 'headers') checkFieldNames(findings, path, null, attached.schemas.get(written));
}

function loadSchema(checking: Checking, path: KeyPath, file: string): void {
  const before = checking.findings.problems.length;
  checkFileExists(checking, path, file);
  if (checking.findings.problems.length > before) return;
  const read = readConfigFile(besides(checking, file), ['map'], 'it has to hold a JSON Schema, as JSON or YAML');
  // Also when it is wrong: the next route that names it has nothing to add.
  checking.attached.schemas.set(file, true);
  if (!read.ok) {
    checking.elsewhere.push(...read.problems);
    return;
  }
  const findings = new Findings(read.source);
  const schema = plainData(read.source);
  if (schema === null) findings.error([], 'aliases repeat too much of the file', { value: null });
  else report(findings, [], findSchemaProblems(schema));
  checking.attached.schemas.set(file, schema ?? true);
  checking.elsewhere.push(...findings.problems);
}

/** Null: aliases of aliases would make it endless. */
function plainData(source: Source): unknown {
  try {
    return source.plain();
  } catch {
    return null;
  }
}

/** Finding the nearest word takes time, and nobody reads more. */
const mostSuggestions = 200;

function report(findings: Findings, start: KeyPath, problems: readonly SchemaProblem[]): void {
  for (const { severity, path, at, message, expected, unknown } of problems) {
    const isRead = findings.problems.length < mostSuggestions;
    const suggestion = unknown !== null && isRead ? findNearest(unknown.word, unknown.known) : null;
    // A value may have come out of the environment: the message says what is needed of it.
    const detail = { at, value: null, expected, suggestion };
    if (severity === 'error') findings.error([...start, ...path], message, detail);
    else findings.warn([...start, ...path], message, detail);
  }
}

/** `at`: where the schema stands; null: in another file. */
function checkFieldNames(findings: Findings, path: KeyPath, at: KeyPath | null, schema: unknown): void {
  if (typeof schema !== 'object' || schema === null) return;
  const { properties = {}, required = [], additionalProperties } = schema as Readonly<Record<string, unknown>>;
  const named = typeof properties === 'object' && properties !== null ? Object.keys(properties) : [];
  const needed = Array.isArray(required) ? required.filter((name) => typeof name === 'string') : [];
  for (const name of new Set([...named, ...needed])) {
    if (name === name.toLowerCase()) continue;
    const place = at === null ? path : [...at, ...(named.includes(name) ? ['properties', name] : ['required'])];
    const shown = JSON.stringify(name);
    findings.error(place, `${shown} is the name of no field: names of fields are in lower case here`, {
      at: at !== null && named.includes(name) ? 'key' : 'value',
      value: null,
      suggestion: name.toLowerCase(),
    });
  }
  if (additionalProperties !== false) return;
  findings.warn(path, 'allows no other fields, but every request has some, such as Host', { at: 'key', value: null });
}
