/** What every check of meaning is given, and the few questions that several of them ask. */
import { statSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { Findings } from './findings.ts';
import { isFieldValue, isToken, knownMethods } from './formats.ts';
import { describeFileError } from './interpolate.ts';
import { findNearest } from './nearest.ts';
import type { KeyPath, Problem } from './problem.ts';
import type { ConfigFile } from './schema.ts';
import type { Loose } from './shape.ts';

export interface Checking {
  /** Of the right shape, with holes where it was not. */
  readonly file: Loose<ConfigFile>;
  readonly findings: Findings;
  /** Some warnings count as errors. */
  readonly strict: boolean;
  /** What is wrong with files that this one names, filled in by the checks. */
  readonly elsewhere: Problem[];
  /** What the file names and loads with it, filled in by the checks. */
  readonly attached: Attached;
}

export interface Attached {
  /** Keys out of security.auth.keysFile. */
  readonly keys: { readonly key: string; readonly name: string }[];
  /** JSON Schemas out of files, by the path in the config. */
  readonly schemas: Map<string, unknown>;
  /** The text of certificates and keys, by the path in the config. */
  readonly pems: Map<string, string>;
}

/** The warnings that `--strict` turns into errors. `value: null` keeps a secret out. */
export function reportLint({ findings, strict }: Checking, path: KeyPath, message: string, value?: null): void {
  const detail = value === null ? { value } : {};
  if (strict) findings.error(path, message, detail);
  else findings.warn(path, message, detail);
}

export function checkFileExists(
  { findings }: Checking,
  path: KeyPath,
  file: string | undefined,
  expected: string | null = null,
): void {
  if (file === undefined) return;
  const { folder, reads } = findings.source;
  reads.add(resolve(folder, file));
  try {
    if (!statSync(resolve(folder, file)).isDirectory()) return;
    findings.error(path, `${findings.show(path)} is a folder, not a file`);
  } catch (error) {
    findings.error(path, `${findings.show(path)} can't be read: ${describeFileError(error)}`, { expected });
  }
}

/** A file that the config names, as the user would name it: from where the config was named. */
export function besides({ findings }: Checking, file: string): string {
  return isAbsolute(file) ? file : join(dirname(findings.source.file), file);
}

export function checkToken({ findings }: Checking, path: KeyPath, name: string | undefined): void {
  if (name === undefined || isToken(name)) return;
  findings.error(path, `${findings.show(path)} can't be the name of a header field`, {
    expected: 'letters, digits and "-", as in X-API-Key',
  });
}

/** Names are keys here, so problems with them point at the key; values are never shown. */
export function checkHeaderMap(
  checking: Checking,
  path: KeyPath,
  headers: Readonly<Record<string, string | undefined>> | undefined,
): void {
  const seen = new Map<string, string>();
  for (const [name, value] of Object.entries(headers ?? {})) {
    const fieldPath = [...path, name];
    if (!isToken(name)) {
      checking.findings.error(fieldPath, `"${name}" can't be the name of a header field`, { at: 'key', value: name });
    }
    const twin = seen.get(name.toLowerCase());
    if (twin !== undefined) {
      checking.findings.error(fieldPath, `"${name}" and "${twin}" are the same header field`, {
        at: 'key',
        value: name,
      });
    }
    seen.set(name.toLowerCase(), name);
    if (value === undefined || isFieldValue(value)) continue;
    checking.findings.error(fieldPath, 'the value is not one line of plain text without space at its ends', {
      value: null,
    });
  }
}

export function checkMethods(
  { findings }: Checking,
  path: KeyPath,
  methods: readonly (string | undefined)[] | undefined,
  alsoAllowed = '',
): void {
  methods?.forEach((method, i) => {
    if (method === undefined || method === alsoAllowed || knownMethods.includes(method)) return;
    const known = method === 'CONNECT' ? 'is always refused' : 'is not a method of HTTP';
    const suggestion = findNearest(method, knownMethods);
    findings.error([...path, i], `${findings.show([...path, i])} ${known}`, {
      expected: 'a method such as GET, in upper case',
      suggestion,
    });
  });
}

/** `client`, `ip`, … or `header:NAME`. */
export function checkSelector(
  { findings }: Checking,
  path: KeyPath,
  selector: string | undefined,
  words: readonly string[],
): void {
  if (selector === undefined || words.includes(selector)) return;
  if (selector.startsWith('header:') && isToken(selector.slice('header:'.length))) return;
  findings.error(path, `${findings.show(path)} does not fit here`, {
    expected: `${words.join(', ')}, or header:NAME`,
    suggestion: findNearest(selector, words),
  });
}

/** Runs a parser that throws an Error saying what is wrong, and reports that. */
export function tryParse<T>({ findings }: Checking, path: KeyPath, parse: () => T): T | null {
  try {
    return parse();
  } catch (error) {
    findings.error(path, `${findings.show(path)} ${(error as Error).message}`);
    return null;
  }
}

/** A list without its holes. */
export function present<T>(list: readonly (T | undefined)[] | null | undefined): T[] {
  return (list ?? []).filter((item) => item !== undefined);
}
