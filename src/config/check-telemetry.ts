/** Checks of `telemetry`: a collector that can be reached, and something to send to it. */
import { checkClientTls } from './check-certificates.ts';
import { type Checking, checkHeaderMap } from './checking.ts';
import { parseUrl } from './formats.ts';
import type { KeyPath } from './problem.ts';

/** What every exporter says of its own requests. */
const exporterFields: ReadonlySet<string> = new Set([
  'content-type',
  'content-length',
  'content-encoding',
  'transfer-encoding',
  'connection',
  'host',
]);

export function checkTelemetry(checking: Checking): void {
  const { file, findings } = checking;
  const otlp = file.telemetry?.otlp;
  if (otlp === undefined) return;
  const path = ['telemetry', 'otlp'];
  const url = checkCollector(checking, [...path, 'url'], otlp.url);
  checkFields(checking, [...path, 'headers'], otlp.headers, url);
  if (otlp.tls !== undefined) {
    checkClientTls(checking, [...path, 'tls'], otlp.tls, 'this collector');
    if (url !== null && url.protocol !== 'https:')
      findings.warn([...path, 'tls'], 'does nothing: the url is not https://', { at: 'key', value: null });
  }
  if (otlp.traces === false && otlp.metrics === false && otlp.logs === false)
    findings.warn(path, 'sends nothing: traces, metrics and logs are all false', { at: 'key', value: null });
}

function checkCollector({ findings }: Checking, path: KeyPath, text: string | undefined): URL | null {
  if (text === undefined) return null;
  const url = parseUrl(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    findings.error(path, `${findings.show(path)} is no url`, { expected: 'a url such as http://collector:4318' });
    return null;
  }
  if (url.search !== '' || url.hash !== '')
    findings.error(path, 'has a query or a fragment, behind which no path can be appended', {
      expected: 'a url such as http://collector:4318, and tokens in `headers`',
      value: null,
    });
  if (/\/v1\/(traces|metrics|logs)\/?$/.test(url.pathname))
    findings.warn(path, 'ends in the path of one signal: /v1/traces, /v1/metrics and /v1/logs are appended to it', {
      value: null,
    });
  return url;
}

function checkFields(
  checking: Checking,
  path: KeyPath,
  headers: Readonly<Record<string, string | undefined>> | undefined,
  url: URL | null,
): void {
  const { findings } = checking;
  checkHeaderMap(checking, path, headers);
  for (const name of Object.keys(headers ?? {})) {
    if (!exporterFields.has(name.toLowerCase())) continue;
    findings.error([...path, name], `"${name}" is set by the exporter`, { at: 'key', value: name });
  }
  if (findings.has(path) && url !== null && url.protocol === 'http:' && !isLoopback(url.hostname))
    findings.warn(path, 'are sent in clear: the url is not https://', { at: 'key', value: null });
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
}
