/** Log lines for people: a JSON line becomes a sentence with its fields behind it. */

const levels: Readonly<Record<number, readonly [name: string, color: number]>> = {
  10: ['trace', 90],
  20: ['debug', 36],
  30: ['info', 32],
  40: ['warn', 33],
  50: ['error', 31],
  60: ['fatal', 35],
};

/** `json` as pino or the access log wrote it; text with a newline, in color when asked. */
export function prettyLine(json: string, color: boolean): string {
  const { level, time, msg, worker, err, ...rest } = JSON.parse(json) as Record<string, unknown>;
  const [name, code] = levels[level as number] ?? ['log', 0];
  const paint = (text: string, as: number): string => (color ? `\x1b[${as}m${text}\x1b[0m` : text);
  const who = worker === undefined ? '' : paint(`[${show(worker)}] `, 90);
  const head = `${paint(clock(time), 90)} ${paint(name.padEnd(5), code)} ${who}${sentence(show(msg), rest)}`;
  const fields = Object.entries(rest).map(([key, value]) => ` ${paint(`${key}=`, 90)}${show(value)}`);
  return `${head}${fields.join('')}${showError(err)}\n`;
}

/** `GET /path 200 12.3ms` says more at a glance than "request"; what it says is not said again. */
function sentence(message: string, fields: Record<string, unknown>): string {
  const { method, path, status, durationMs } = fields;
  if (method === undefined || status === undefined) return message;
  for (const key of ['method', 'path', 'status', 'durationMs', 'sampleRate']) delete fields[key];
  return `${show(method)} ${show(path)} ${show(status)} ${show(durationMs)}ms`;
}

function clock(time: unknown): string {
  return new Date(typeof time === 'number' ? time : 0).toISOString().slice(11, 23);
}

function show(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value) ?? '';
  // Control characters from outside must not reach a terminal.
  // oxlint-disable-next-line no-control-regex
  return value.replace(/[\x00-\x1f\x7f-\x9f]/g, (character) => JSON.stringify(character).slice(1, -1));
}

function showError(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  const { stack, message } = error as { stack?: unknown; message?: unknown };
  const text = stack ?? message;
  if (typeof text !== 'string') return '';
  return text
    .split('\n')
    .map((line) => `\n    ${show(line)}`)
    .join('');
}
