/** The tables of docs/observability.md, from what the code itself reads, or is held against by tests. */
import { refusalCodes } from '../core/refusal-codes.ts';
import { accessLogFields } from '../log/access-log-fields.ts';
import { gatewayLines } from '../log/gateway-lines.ts';
import { type MetricName, metricNames, specOf } from '../metrics/catalog.ts';

/** The document with its tables written anew; what stands between them stays. */
export function writeTables(document: string): string {
  let written = writeBetween(document, 'metrics', metricTable());
  written = writeBetween(written, 'access log', accessLogTable());
  written = writeBetween(written, 'gateway lines', gatewayLineTable());
  return writeBetween(written, 'refusal codes', refusalCodeTable());
}

function metricTable(): string {
  const rows = metricNames.map((name) => `| ${signature(name)} | ${specOf(name).type} | ${specOf(name).help} |`);
  return ['| metric | type | what it says |', '|---|---|---|', ...rows].join('\n');
}

function signature(name: MetricName): string {
  const { labels } = specOf(name);
  return `\`${labels.length === 0 ? name : `${name}{${labels.join(',')}}`}\``;
}

function accessLogTable(): string {
  const rows = Object.entries(accessLogFields).map(([field, meaning]) => `| \`${field}\` | ${meaning} |`);
  return ['| field | meaning |', '|---|---|', ...rows].join('\n');
}

function gatewayLineTable(): string {
  const rows = gatewayLines.map(
    ({ level, msg, fields, means }) => `| ${level} | \`${msg}\` | ${codes(fields)} | ${means} |`,
  );
  return ['| level | `msg` | fields | |', '|---|---|---|---|', ...rows].join('\n');
}

function codes(names: string): string {
  return names
    .split(' ')
    .filter((name) => name !== '')
    .map((name) => `\`${name}\``)
    .join(' ');
}

function refusalCodeTable(): string {
  const rows = Object.entries(refusalCodes).map(
    ([code, { status, means, lookAt }]) => `| ${status} | \`${code}\` | ${means} | ${lookAt} |`,
  );
  return ['| status | `code` | what happened | where to look next |', '|---|---|---|---|', ...rows].join('\n');
}

function writeBetween(document: string, name: string, table: string): string {
  const [begin, end] = [`<!-- ${name}: written by npm run observability -->`, `<!-- end of ${name} -->`];
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from < 0 || to < from) throw new Error(`docs/observability.md has no place for the table of ${name}`);
  return `${document.slice(0, from)}${begin}\n\n${table}\n\n${document.slice(to)}`;
}
