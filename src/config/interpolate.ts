/**
 * References in the strings of the config: `${NAME}`, `${NAME:-default}` and `${file:/path}`; `$${` is a literal
 * `${`. What comes in is text and stays text: it is neither read as YAML nor searched for further references.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

export type Environment = Readonly<Record<string, string | undefined>>;

export type Interpolated =
  | { readonly ok: true; readonly text: string /** Something came from outside. */; readonly substituted: boolean }
  | { readonly ok: false; readonly message: string };

/** What a relative `${file:…}` starts from, and where the files are noted that were read, or should have been. */
export interface FileReader {
  readonly folder: string;
  readonly reads: Set<string>;
}

export function interpolate(text: string, environment: Environment, reader: FileReader): Interpolated {
  if (!text.includes('${')) return { ok: true, text, substituted: false };
  const failures: string[] = [];
  let substituted = false;
  const result = text.replace(referencePattern, (match: string, reference: string | undefined) => {
    if (match === '$${') return '${';
    substituted = true;
    const found = lookUp(reference, environment, reader);
    if (!found.ok) failures.push(found.message);
    return found.ok ? found.text : '';
  });
  const [message] = failures;
  return message === undefined ? { ok: true, text: result, substituted } : { ok: false, message };
}

/** An escaped opening, a whole reference, or an opening without an end. */
const referencePattern = /\$\$\{|\$\{([^}]*)\}|\$\{/g;

/** As in a shell, the default also stands in for a variable that is set to nothing. */
const variablePattern = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([\s\S]*))?$/;

type Found = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly message: string };

function lookUp(reference: string | undefined, environment: Environment, reader: FileReader): Found {
  if (reference?.startsWith('file:')) return readReferencedFile(reference.slice('file:'.length), reader);
  const match = reference === undefined ? null : variablePattern.exec(reference);
  const name = match?.[1];
  if (match === null || name === undefined) {
    const message = '"${" does not open a reference such as ${NAME}, ${NAME:-default} or ${file:/path}';
    return { ok: false, message: `${message}; write "$\${" for the characters themselves` };
  }
  const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
  const fallback = match[2];
  if (value !== undefined && !(value === '' && fallback !== undefined)) return { ok: true, text: value };
  if (fallback !== undefined) return { ok: true, text: fallback };
  return { ok: false, message: `the environment variable ${name} is not set; set it, or write \${${name}:-default}` };
}

function readReferencedFile(path: string, { folder, reads }: FileReader): Found {
  if (path.trim() === '') return { ok: false, message: '${file:} names no file' };
  const file = resolve(folder, path);
  reads.add(file);
  try {
    const text = utf8.decode(readFileSync(file)).trim();
    return { ok: true, text };
  } catch (error) {
    return { ok: false, message: `the file "${file}" can't be read: ${describeFileError(error)}` };
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** What went wrong with a file, for people: "there is no such file". */
export function describeFileError(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return fileErrors[code] ?? (code === '' ? message : code);
}

const fileErrors: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EISDIR: 'it is a folder, not a file',
  EACCES: 'this user may not read it',
  EPERM: 'this user may not read it',
  ERR_ENCODING_INVALID_ENCODED_DATA: 'it is not UTF-8 text',
};
