/** Checks of `telemetry`: a collector that can be reached. */
import type { Checking } from './checking.ts';
import { parseUrl } from './formats.ts';

export function checkTelemetry({ file, findings }: Checking): void {
  const url = file.telemetry?.otlp?.url;
  if (url === undefined) return;
  const parsed = parseUrl(url);
  if (parsed !== null && /^https?:$/.test(parsed.protocol)) return;
  const path = ['telemetry', 'otlp', 'url'];
  findings.error(path, `${findings.show(path)} is no url`, { expected: 'a url such as http://collector:4318' });
}
