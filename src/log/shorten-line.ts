/** Cuts the long fields of a log line, so that it stays one JSON object and fits one write. */

/** PIPE_BUF on Linux, the newline included. */
export const maxLineBytes = 4096;

/** A JSON line, or other text, of at most maxLineBytes with its newline. */
export function shortenLine(line: string): string {
  const fields = parse(line);
  if (fields === null) return cutText(line.trimEnd(), maxLineBytes - 1) + '\n';
  for (const maxBytes of [1024, 256, 64]) {
    const shorter = `${JSON.stringify(shorten(fields, maxBytes))}\n`;
    if (Buffer.byteLength(shorter) <= maxLineBytes) return shorter;
  }
  // Not one long field but very many: what remains tells at least that, and when.
  const { level, time, worker, msg } = fields;
  const text = cutText(typeof msg === 'string' ? msg : '', 256);
  return `${JSON.stringify({ level, time, worker, msg: text, cut: true })}\n`;
}

/** At most `maxBytes` of UTF-8, with an ellipsis in the place of what was cut. */
export function cutText(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes) return text;
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  let end = maxBytes - Buffer.byteLength(ellipsis);
  // Not through the middle of a character: its later bytes all begin with the bits 10.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end) + ellipsis;
}

const ellipsis = '…';

function parse(line: string): Record<string, unknown> | null {
  if (!line.startsWith('{')) return null;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return null;
  }
}

function shorten(value: unknown, maxBytes: number): unknown {
  if (typeof value === 'string') return cutText(value, maxBytes);
  if (Array.isArray(value)) return value.map((item) => shorten(item, maxBytes));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shorten(item, maxBytes)]));
}
