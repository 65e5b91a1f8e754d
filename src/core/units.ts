/** Durations, sizes and shares as people write them ("30s", "10mb", "90%"), to and from plain numbers. */

/** Milliseconds of "250ms", "30s", "1.5m" or "1h"; null when the text is no duration or no whole number of milliseconds. */
export function parseDuration(text: string): number | null {
  return parseQuantity(text, durationPattern, millisecondsPer);
}

/** Bytes of "512b", "64kb", "10mb" or "1gb" (1 kb = 1024 bytes, upper case accepted); null when the text is no size. */
export function parseSize(text: string): number | null {
  return parseQuantity(text.toLowerCase(), sizePattern, bytesPer);
}

/** A share from 0 to 1 of "90%" or "0.5%"; null when the text is no percentage from 0% to 100%. */
export function parsePercent(text: string): number | null {
  const match = /^(\d{1,3}(?:\.\d{1,6})?)%$/.exec(text);
  if (match === null) return null;
  const share = Number(match[1]) / 100;
  return share <= 1 ? share : null;
}

/** The shortest way of writing a number of milliseconds: 30000 is "30s", 1500 is "1500ms". */
export function formatDuration(ms: number): string {
  return formatQuantity(ms, millisecondsPer);
}

/** The shortest way of writing a number of bytes: 65536 is "64kb", 1000 is "1000b". */
export function formatSize(bytes: number): string {
  return formatQuantity(bytes, bytesPer);
}

type Units = Readonly<Record<string, number>>;

/** Largest first, so that formatting takes the largest unit that divides evenly. */
const millisecondsPer: Units = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };
const bytesPer: Units = { gb: 1024 ** 3, mb: 1024 ** 2, kb: 1024, b: 1 };

const durationPattern = /^(\d{1,15}(?:\.\d{1,6})?)(ms|s|m|h)$/;
const sizePattern = /^(\d{1,15}(?:\.\d{1,6})?)(b|kb|mb|gb)$/;

function parseQuantity(text: string, pattern: RegExp, units: Units): number | null {
  const match = pattern.exec(text);
  if (match === null) return null;
  // Rounded before the test: 1.1 * 60000 is 66000.00000000001 in binary.
  const exact = Number(match[1]) * (units[match[2] ?? ''] ?? Number.NaN);
  const whole = Math.round(exact);
  return Number.isSafeInteger(whole) && Math.abs(exact - whole) < 1e-6 ? whole : null;
}

function formatQuantity(amount: number, units: Units): string {
  for (const [unit, size] of Object.entries(units)) {
    if (size === 1 || (amount >= size && amount % size === 0)) return `${amount / size}${unit}`;
  }
  throw new Error('the smallest unit is 1');
}
