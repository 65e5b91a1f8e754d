/**
 * Query parameters and header fields as an object that a schema can judge. Names that come once have a text, others the
 * list of their texts; a schema that wants numbers gets them out of the texts (coercion.ts).
 */
import type { Violation } from '../contracts/refusal.ts';
import { pointerTo } from './schema/report.ts';

export type ParameterValue = string | string[];
/** Without a prototype: any name is just a name. */
export type Parameters = Record<string, ParameterValue>;

export interface Query {
  readonly parameters: Parameters;
  /** Names and values that can't be decoded: whoever is behind us might read something else than we do. */
  readonly faults: readonly Violation[];
}

/** `a=1&a=2&b=x+y`, decoded once, as forms are written (WHATWG URL, section 5.1). `from`: the index of the "?". */
export function readQuery(target: string, from: number): Query {
  const parameters = Object.create(null) as Parameters;
  let faults: Violation[] | null = null;
  let start = from + 1;
  while (start < target.length) {
    let end = target.indexOf('&', start);
    if (end === -1) end = target.length;
    if (end > start) {
      const equals = target.indexOf('=', start);
      const nameEnd = equals === -1 || equals > end ? end : equals;
      const rawName = target.slice(start, nameEnd);
      const name = decodeForm(rawName);
      const value = decodeForm(target.slice(nameEnd + 1, end));
      if (name === null || value === null) {
        faults ??= [];
        faults.push({ path: pointerTo([name ?? rawName]), message: 'is not percent-encoded UTF-8' });
      } else add(parameters, name, value);
    }
    start = end + 1;
  }
  return { parameters, faults: faults ?? none };
}

const none: readonly Violation[] = [];

function add(parameters: Parameters, name: string, value: string): void {
  const before = parameters[name];
  if (before === undefined) parameters[name] = value;
  else if (typeof before === 'string') parameters[name] = [before, value];
  else before.push(value);
}

function decodeForm(text: string): string | null {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text;
  if (!spaced.includes('%')) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    return null;
  }
}

/** Lower-case names. A field that comes several times is one list (RFC 9110, section 5.3). */
export function readFields(rawHeaders: readonly string[]): Parameters {
  const fields = Object.create(null) as Parameters;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] as string).toLowerCase();
    const value = rawHeaders[i + 1] as string;
    const before = fields[name];
    fields[name] = before === undefined ? value : `${before as string}, ${value}`;
  }
  return fields;
}
