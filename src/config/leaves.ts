/**
 * The single values of the config file: for each kind the JSON Schema that editors check against, the words that an
 * error uses for it, and how the written text becomes a value. `${…}` may stand wherever a value may, so every kind
 * also accepts a string that holds a reference.
 */
import { Type } from 'typebox';
import { longestTimerMs } from '../core/longest-timer.ts';
import { formatDuration, formatSize, parseDuration, parsePercent, parseSize } from '../core/units.ts';

/** One scalar of the file, after references are settled. */
export interface Written {
  /** The value as YAML reads it; always a string when it came out of a `${…}` reference. */
  readonly value: unknown;
  /** The characters in the file, or the text that references gave. */
  readonly text: string;
  /** The value came out of a `${…}` reference, so its text is converted where a number or boolean is wanted. */
  readonly substituted: boolean;
}

/** What a leaf adds to its JSON Schema. Never published: `publishSchema` takes these keys out. */
export interface LeafNotes {
  readonly leaf: LeafKind;
  /** In words, after "expected": `a duration such as 250ms, 30s, 5m, or milliseconds`. */
  readonly expected: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly choices?: readonly string[];
}

export type LeafKind =
  | 'duration'
  | 'seconds'
  | 'size'
  | 'share'
  | 'percentage'
  | 'integer'
  | 'flag'
  | 'choice'
  | 'text'
  | 'freeText'
  | 'secret'
  | 'headerValue'
  | 'workerCount'
  | 'retryCondition'
  | 'breakerFailure';

export interface Note {
  readonly description: string;
  readonly default?: unknown;
}

interface Range {
  readonly minimum?: number;
  readonly maximum?: number;
}

export function duration(note: Note & Range) {
  const { minimum = 0, maximum = longestTimerMs } = note;
  const limits = minimum > 0 ? `, at least ${formatDuration(minimum)}` : '';
  return leaf<number>(note, {
    type: ['integer', 'string'],
    pattern: orReference('\\d+(\\.\\d+)?(ms|s|m|h)'),
    leaf: 'duration',
    expected: `a duration such as 250ms, 30s, 5m, or milliseconds${limits}`,
    minimum,
    maximum,
  });
}

/** A duration that HTTP counts in seconds: an integer means seconds here. */
export function seconds(note: Note) {
  return leaf<number>(note, {
    type: ['integer', 'string'],
    pattern: orReference('\\d+(\\.\\d+)?(ms|s|m|h)'),
    leaf: 'seconds',
    expected: 'seconds, or a duration such as 10m',
    minimum: 0,
    maximum: 2 ** 31,
  });
}

export function size(note: Note & Range) {
  const { minimum = 0, maximum = Number.MAX_SAFE_INTEGER } = note;
  const limits = minimum > 0 ? `, from ${formatSize(minimum)} to ${formatSize(maximum)}` : '';
  return leaf<number>(note, {
    type: ['integer', 'string'],
    pattern: orReference('\\d+(\\.\\d+)?([bB]|[kKmMgG][bB])'),
    leaf: 'size',
    expected: `a size such as 64kb, 10mb, or bytes${limits}`,
    minimum,
    maximum,
  });
}

export function share(note: Note) {
  return leaf<number>(note, {
    type: ['number', 'string'],
    pattern: orReference('\\d{1,3}(\\.\\d+)?%'),
    leaf: 'share',
    expected: 'a percentage such as 20%, or a share from 0 to 1',
    minimum: 0,
    maximum: 1,
  });
}

/** A number that counts percent: 50 and "50%" are the same. */
export function percentage(note: Note) {
  return leaf<number>(note, {
    type: ['number', 'string'],
    pattern: orReference('\\d{1,3}(\\.\\d+)?%'),
    leaf: 'percentage',
    expected: 'percent, from 1 to 100',
    minimum: 1,
    maximum: 100,
  });
}

export function integer(note: Note & { minimum: number; maximum?: number; expected?: string }) {
  const { minimum, maximum = Number.MAX_SAFE_INTEGER } = note;
  const limits = maximum === Number.MAX_SAFE_INTEGER ? `at least ${minimum}` : `from ${minimum} to ${maximum}`;
  return leaf<number>(note, {
    type: ['integer', 'string'],
    pattern: orReference(null),
    leaf: 'integer',
    expected: note.expected ?? `a whole number, ${limits}`,
    minimum,
    maximum,
  });
}

export function flag(note: Note) {
  return leaf<boolean>(note, {
    type: ['boolean', 'string'],
    pattern: orReference(null),
    leaf: 'flag',
    expected: 'true or false',
  });
}

export function choice<const C extends string>(choices: readonly C[], note: Note) {
  return leaf<C>(note, {
    anyOf: [{ enum: choices }, { type: 'string', pattern: orReference(null) }],
    leaf: 'choice',
    expected: choices.length === 1 ? `${choices[0]}` : `one of ${choices.join(', ')}`,
    choices,
  });
}

/** Text that may not be empty; `expected` says in words what it is for. */
export function text(expected: string, note: Note) {
  return leaf<string>(note, { type: 'string', minLength: 1, leaf: 'text', expected });
}

/** Text of any length, the empty one included. */
export function freeText(note: Note) {
  return leaf<string>(note, { type: 'string', leaf: 'freeText', expected: 'text' });
}

/** Text that no message may repeat. */
export function secret(expected: string, note: Note) {
  return leaf<string>(note, { type: 'string', minLength: 1, leaf: 'secret', expected });
}

/** The value of a header field. May hold a secret as well, and may be written without quotes when it is a number. */
export function headerValue(note: Note) {
  return leaf<string>(note, {
    type: ['string', 'number', 'boolean'],
    leaf: 'headerValue',
    expected: 'the text of a header field, in one line',
  });
}

export function workerCount(note: Note) {
  return leaf<number | 'auto'>(note, {
    anyOf: [{ enum: ['auto'] }, { type: ['integer', 'string'], minimum: 1, maximum: 1024, pattern: orReference(null) }],
    leaf: 'workerCount',
    expected: 'auto, or a whole number from 1 to 1024',
    minimum: 1,
    maximum: 1024,
  });
}

/** What a try may fail with to be repeated: a name, or a status as a number. */
export function retryCondition(note: Note) {
  return leaf<string>(note, {
    anyOf: [
      { enum: ['connect', 'reset', 'timeout', '5xx'] },
      { type: 'integer', minimum: 400, maximum: 599 },
      { type: 'string', pattern: orReference('[45]\\d\\d') },
    ],
    leaf: 'retryCondition',
    expected: 'connect, reset, timeout, 5xx, or a status from 400 to 599',
  });
}

export function breakerFailure(note: Note) {
  return leaf<string>(note, {
    anyOf: [
      { enum: ['connect', 'reset', 'timeout', 'protocol', '5xx'] },
      { type: 'integer', minimum: 500, maximum: 599 },
      { type: 'string', pattern: orReference('5\\d\\d') },
    ],
    leaf: 'breakerFailure',
    expected: 'connect, reset, timeout, protocol, 5xx, or a status from 500 to 599',
  });
}

/** The value that the file means, or undefined when the text is none of this kind. */
export function readLeaf(notes: LeafNotes, written: Written): unknown {
  return readers[notes.leaf](written, notes);
}

/** For a number of the right kind that is out of bounds; null for everything else. */
export function findBrokenLimit(
  notes: LeafNotes,
  written: Written,
): { readonly is: 'large' | 'small'; readonly expected: string } | null {
  const { minimum = -Infinity, maximum = Infinity } = notes;
  const value = readLeaf({ leaf: notes.leaf, expected: notes.expected }, written);
  if (typeof value !== 'number' || Math.abs(value) === Infinity) return null;
  if (value < minimum) return { is: 'small', expected: notes.expected };
  if (value <= maximum) return null;
  const limit = notes.leaf === 'duration' ? `, at most ${Math.floor(maximum / 3_600_000)}h` : '';
  return { is: 'large', expected: notes.expected + limit };
}

export function isSecret(kind: LeafKind): boolean {
  return kind === 'secret' || kind === 'headerValue';
}

type Reader = (written: Written, notes: LeafNotes) => unknown;

const readers: Readonly<Record<LeafKind, Reader>> = {
  duration: (written, notes) => inRange(wholeNumber(written) ?? fromText(written, parseDuration), notes),
  seconds: (written, notes) => inRange(wholeNumber(written) ?? fromText(written, parseWholeSeconds), notes),
  size: (written, notes) => inRange(wholeNumber(written) ?? fromText(written, parseSize), notes),
  share: (written, notes) => inRange(anyNumber(written) ?? fromText(written, parsePercent), notes),
  percentage: (written, notes) => inRange(anyNumber(written) ?? fromText(written, parseWholePercent), notes),
  integer: (written, notes) => inRange(wholeNumber(written), notes),
  flag: readFlag,
  choice: (written, notes) => notes.choices?.find((known) => known === written.value),
  text: (written) => (written.value === '' ? undefined : textOf(written)),
  freeText: textOf,
  secret: (written) => (written.value === '' ? undefined : textOf(written)),
  headerValue: readHeaderValue,
  workerCount: (written, notes) => (written.value === 'auto' ? 'auto' : inRange(wholeNumber(written), notes)),
  retryCondition: (written) => readMatching(written, /^(?:connect|reset|timeout|5xx|[45]\d\d)$/),
  breakerFailure: (written) => readMatching(written, /^(?:connect|reset|timeout|protocol|5xx|5\d\d)$/),
};

function wholeNumber(written: Written): number | undefined {
  const found = anyNumber(written);
  return Number.isSafeInteger(found) ? found : undefined;
}

function anyNumber(written: Written): number | undefined {
  if (typeof written.value === 'number') return written.value;
  if (!written.substituted || !/^-?\d{1,16}(\.\d{1,16})?$/.test(written.text)) return undefined;
  return Number(written.text);
}

function fromText(written: Written, parse: (value: string) => number | null): number | undefined {
  if (typeof written.value !== 'string') return undefined;
  return parse(written.value) ?? undefined;
}

function parseWholeSeconds(value: string): number | null {
  const ms = parseDuration(value);
  return ms !== null && ms % 1000 === 0 ? ms / 1000 : null;
}

function parseWholePercent(value: string): number | null {
  const found = parsePercent(value);
  return found === null ? null : Math.round(found * 1e8) / 1e6;
}

function inRange(value: number | undefined, { minimum, maximum }: LeafNotes): number | undefined {
  if (value === undefined || Number.isNaN(value)) return undefined;
  return value >= (minimum ?? -Infinity) && value <= (maximum ?? Infinity) ? value : undefined;
}

function readFlag(written: Written): boolean | undefined {
  if (typeof written.value === 'boolean') return written.value;
  if (!written.substituted) return undefined;
  return written.text === 'true' ? true : written.text === 'false' ? false : undefined;
}

function readHeaderValue(written: Written): string | undefined {
  const isPlain = ['string', 'number', 'boolean'].includes(typeof written.value);
  return isPlain ? (typeof written.value === 'string' ? written.value : written.text) : undefined;
}

function readMatching(written: Written, pattern: RegExp): string | undefined {
  const found = String(written.value);
  return pattern.test(found) ? found : undefined;
}

function textOf(written: Written): string | undefined {
  return typeof written.value === 'string' ? written.value : undefined;
}

/** The pattern of a string that is written like this, or that holds a reference (null: only the latter). */
function orReference(pattern: string | null): string {
  const reference = '[\\s\\S]*\\$\\{[\\s\\S]*';
  return pattern === null ? `^${reference}$` : `^(${pattern}|${reference})$`;
}

function leaf<T>(note: Note, schema: LeafNotes & Readonly<Record<string, unknown>>) {
  const { description } = note;
  return Type.Unsafe<T>({ description, ...('default' in note ? { default: note.default } : {}), ...schema });
}
