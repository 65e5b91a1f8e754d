/**
 * Whether a regular expression may take exponential time, as `(a+)+$` does: a rule of thumb for a warning. It looks for a
 * group that is repeated without end and holds nothing but parts that may themselves be long or absent, so that a text
 * can be cut up in many ways. `(\.[a-z]+)*` is fine: each round begins with a dot.
 */

interface Group {
  /** Since the group or its last "|": something that always takes exactly one character. */
  hasFixed: boolean;
  /** Since then: something that is repeated without end. */
  hasEndless: boolean;
  /** Some branch can be cut up in many ways. */
  isLoose: boolean;
}

export function isRisky(pattern: string): boolean {
  const groups: Group[] = [{ hasFixed: false, hasEndless: false, isLoose: false }];
  let at = 0;
  while (at < pattern.length) {
    const group = groups.at(-1) as Group;
    switch (pattern.charAt(at)) {
      case '(':
        groups.push({ hasFixed: false, hasEndless: false, isLoose: false });
        at += groupStart(pattern, at);
        continue;
      case ')': {
        closeBranch(group);
        groups.pop();
        const outer = groups.at(-1) as Group;
        const { isEndless, isOptional, length } = readQuantifier(pattern, at + 1);
        if (isEndless && group.isLoose) return true;
        if (isEndless) outer.hasEndless = true;
        else if (!isOptional && group.hasFixed) outer.hasFixed = true;
        else if (group.isLoose) outer.hasEndless = true;
        at += 1 + length;
        continue;
      }
      case '|':
        closeBranch(group);
        group.hasFixed = false;
        group.hasEndless = false;
        at++;
        continue;
      case '^':
      case '$':
        at++;
        continue;
      default:
    }
    const end = atomEnd(pattern, at);
    const { isEndless, isOptional, length } = readQuantifier(pattern, end);
    if (isEndless) group.hasEndless = true;
    else if (!isOptional) group.hasFixed = true;
    at = end + length;
  }
  return false;
}

function closeBranch(group: Group): void {
  if (group.hasEndless && !group.hasFixed) group.isLoose = true;
}

/** Length of `(`, `(?:`, `(?=`, `(?<name>` … */
function groupStart(pattern: string, at: number): number {
  return /^\((\?(:|=|!|<=|<!|<[^>]*>))?/.exec(pattern.slice(at, at + 100))?.[0].length ?? 1;
}

function atomEnd(pattern: string, at: number): number {
  if (pattern[at] === '\\') {
    const escape = /^\\(u\{[0-9a-fA-F]+\}|[pP]\{[^}]*\}|k<[^>]*>|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[\s\S])/.exec(
      pattern.slice(at),
    );
    return at + (escape?.[0].length ?? 2);
  }
  if (pattern[at] !== '[') return at + 1;
  let end = at + 1;
  while (end < pattern.length && pattern[end] !== ']') end += pattern[end] === '\\' ? 2 : 1;
  return end + 1;
}

function readQuantifier(pattern: string, at: number): { isEndless: boolean; isOptional: boolean; length: number } {
  const text = /^([*+?]|\{(\d+)(,(\d*))?\})\??/.exec(pattern.slice(at, at + 30));
  if (text === null) return { isEndless: false, isOptional: false, length: 0 };
  const [all, kind, least, comma, most] = text;
  const isEndless = kind === '*' || kind === '+' || (comma !== undefined && most === '');
  return { isEndless, isOptional: kind === '?' || Number(least) === 0, length: all.length };
}
