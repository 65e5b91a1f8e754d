/** The keywords that ask about texts. */
import { formats } from './formats.ts';
import type { SchemaObject } from './keywords.ts';
import type { Check } from './report.ts';

export function checkString(schema: SchemaObject): Check[] {
  const checks: Check[] = [];
  const { minLength, maxLength, pattern, format } = schema;
  if (typeof minLength === 'number') {
    checks.push(onText((text) => isAtLeast(text, minLength), `must have at least ${minLength} characters`));
  }
  if (typeof maxLength === 'number') {
    checks.push(onText((text) => !isAtLeast(text, maxLength + 1), `must have at most ${maxLength} characters`));
  }
  // Too long a text is refused already, and may be what an expression would take forever for.
  const isTooLong = (text: string): boolean => typeof maxLength === 'number' && isAtLeast(text, maxLength + 1);
  if (typeof pattern === 'string') {
    const expression = new RegExp(pattern, 'u');
    checks.push(onText((text) => isTooLong(text) || expression.test(text), 'does not match the pattern'));
  }
  if (typeof format === 'string') {
    const test = formats.get(format);
    if (test !== undefined) checks.push(onText((text) => isTooLong(text) || test(text), `is no valid ${format}`));
  }
  return checks;
}

function onText(fits: (text: string) => boolean, message: string): Check {
  return (value, report) => typeof value !== 'string' || fits(value) || report.fail(message);
}

/** Characters are code points, of one or two units each; they are counted only where the units leave it open. */
function isAtLeast(text: string, count: number): boolean {
  if (text.length < count) return false;
  if (text.length >= 2 * count) return true;
  let characters = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0xd800 && unit < 0xdc00) i++;
    characters++;
  }
  return characters >= count;
}
