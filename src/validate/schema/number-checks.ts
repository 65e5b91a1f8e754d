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
    const steps = keyword === 'multipleOf' ? stepsOfDivision : 0;
    const check: Check = (value, report) => {
      if (typeof value !== 'number') return true;
      return report.step(steps) && (fits(value, bound) || report.fail(`${words} ${bound}`));
    };
    return [check];
  });
}

/** Decimals are written out and read to be divided: some microseconds. */
const stepsOfDivision = 4;

/** Exact in decimals, as people write them: 0.07 is a multiple of 0.01, whatever the nearest doubles say. */
function isMultiple(value: number, of: number): boolean {
  if (Number.isSafeInteger(value) && Number.isSafeInteger(of)) return value % of === 0;
  const a = readDecimal(value);
  const b = readDecimal(of);
  const zeros = b.decimals - a.decimals;
  const scaledA = zeros > 0 ? a.digits * 10n ** BigInt(Math.min(zeros, mostZeros)) : a.digits;
  const scaledB = zeros < 0 ? b.digits * 10n ** BigInt(Math.min(-zeros, mostZeros)) : b.digits;
  return scaledA % scaledB === 0n;
}

/**
 * Of 600 zeros between 1e300 and 1e-300 no more are counted, or a list of such numbers takes seconds. Neither has more
 * than 21 digits, less than 2^70: 80 tens hold every 2 and 5 in the one, and make the other larger than the first.
 */
const mostZeros = 80;

/** The number is `digits` / 10^`decimals`, which may be below 0. */
function readDecimal(value: number): { digits: bigint; decimals: number } {
  const [mantissa = '', exponent = '0'] = String(value).split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  return { digits: BigInt(whole + fraction), decimals: fraction.length - Number(exponent) };
}
