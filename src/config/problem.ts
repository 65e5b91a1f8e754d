/** What is wrong with a config file, at one place of it, in words that say what to do; and how it is printed. */

export interface Problem {
  readonly severity: 'error' | 'warning';
  /** As the user named it. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The path of the key: `routes[3].upstream`. Empty for the file as a whole. */
  readonly path: string;
  /** What stands in the file, as written there (references unresolved); null when it is missing or secret. */
  readonly value: string | null;
  readonly message: string;
  /** In words, without "expected"; null when the message says it all. */
  readonly expected: string | null;
  /** The nearest known name. */
  readonly suggestion?: string;
}

export type KeyPath = readonly (string | number)[];

/** `config/proxy.yml:41:15 routes[3].upstream: "billng" is not an upstream; did you mean "billing"?` */
export function formatProblem(problem: Problem): string {
  const { severity, file, line, column, path, message, expected, suggestion } = problem;
  const place = `${file}:${line}:${column}`;
  const what = severity === 'warning' ? ' warning:' : '';
  const key = path === '' ? '' : ` ${path}:`;
  if (suggestion !== undefined) return `${place}${what}${key} ${message}; did you mean "${suggestion}"?`;
  return `${place}${what}${key} ${message}${expected === null ? '' : `; expected ${expected}`}`;
}

/** `routes[3].upstream` */
export function formatPath(path: KeyPath): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    if (!/^[\w-]+$/.test(key)) return `${text}[${JSON.stringify(shorten(key))}]`;
    return text === '' ? key : `${text}.${key}`;
  }, '');
}

/** A text from the file as a message may show it: in quotes, short, and without passwords. */
export function showText(text: string): string {
  return JSON.stringify(shorten(withoutCredentials(text)));
}

/** Whatever stands before an "@" may be a user and password, and a query may hold a token. */
export function withoutCredentials(text: string): string {
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(text)?.[0] ?? '';
  const rest = text.slice(scheme.length);
  const shown = rest.includes('@') ? `…@${rest.slice(rest.lastIndexOf('@') + 1)}` : rest;
  return scheme + (scheme === '' ? shown : shown.replace(/\?[\s\S]*/, '?…'));
}

/** In the order of the file; problems with other files (keysFile) come after it. */
export function sortProblems(problems: readonly Problem[], mainFile: string): Problem[] {
  const rank = (problem: Problem) => (problem.file === mainFile ? 0 : 1);
  return problems.toSorted(
    (a, b) => rank(a) - rank(b) || a.file.localeCompare(b.file) || a.line - b.line || a.column - b.column,
  );
}

/** Errors before warnings, and not more than a message between threads can carry without holding up who gets it. */
export function limitProblems(problems: readonly Problem[], most = 2_000): readonly Problem[] {
  if (problems.length <= most) return problems;
  const errors = problems.filter(({ severity }) => severity === 'error');
  const warnings = problems.filter(({ severity }) => severity === 'warning');
  const kept = new Set([...errors, ...warnings].slice(0, most));
  return [
    ...problems.filter((problem) => kept.has(problem)),
    describeRest(problems[0]?.file ?? '', problems.length - most),
  ];
}

function describeRest(file: string, count: number): Problem {
  const message = `has ${count} more problems than are shown here`;
  return { severity: 'warning', file, line: 1, column: 1, path: '', value: null, message, expected: null };
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
