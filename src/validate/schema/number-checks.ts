/** The keywords that ask about numbers. */
import type { SchemaObject } from './keywords.ts';
import type { Check } from './report.ts';

export function checkNumber(schema: SchemaObject): Check[] {
  const bounds: readonly (readonly [
    keyword: string,
    fits: (value: number, bound: number) => boolean,
    words: string,
  ])[] = [
    ['minimum', (value, bound) => value >= bound, 'must be at least'],
    ['maximum', (value, bound) => value <= bound, 'must be at most'],
    ['exclusiveMinimum', (value, bound) => value > bound, 'must be more than'],
    ['exclusiveMaximum', (value, bound) => value < bound, 'must be less than'],
    ['multipleOf', isMultiple, 'must be a multiple of'],
  ];
  return bounds.flatMap(([keyword, fits, words]) => {
    if (!Object.hasOwn(schema, keyword)) return [];
    const bound = schema[keyword] as number;
    const check: Check = (value, report) =>
      typeof value !== 'number' || fits(value, bound) || report.fail(`${words} ${bound}`);
    return [check];
  });
}

/** Exact in decimals, as people write them: 0.07 is a multiple of 0.01, whatever the nearest doubles say. */
function isMultiple(value: number, of: number): boolean {
  if (Number.isSafeInteger(value) && Number.isSafeInteger(of)) return value % of === 0;
  const a = readDecimal(value);
  const b = readDecimal(of);
  const scale = Math.max(a.decimals, b.decimals);
  const scaledA = a.digits * 10n ** BigInt(scale - a.decimals);
  const scaledB = b.digits * 10n ** BigInt(scale - b.decimals);
  return scaledA % scaledB === 0n;
}

/** The number is `digits` / 10^`decimals`. */
function readDecimal(value: number): { digits: bigint; decimals: number } {
  const [mantissa = '', exponent = '0'] = String(value).split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const digits = BigInt(whole + fraction);
  const decimals = fraction.length - Number(exponent);
  return decimals >= 0 ? { digits, decimals } : { digits: digits * 10n ** BigInt(-decimals), decimals: 0 };
}
