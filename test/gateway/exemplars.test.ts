/** OpenMetrics for those who ask for it: the latency of a route names the trace of a request that took so long. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';

const gateway = await startGateway({
  config: { routes: [{ path: '/a', respond: { status: 204 } }] },
});
const openMetrics = 'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';

for (const [listener, url] of [
  ['the admin listener', gateway.adminUrl],
  ['the proxy port', gateway.url],
] as const) {
  test(`${listener} shows the trace id of a request, which is in its log line too`, async () => {
    const traceId = listener.length.toString(16).padStart(32, 'a');
    await request({ traceparent: `00-${traceId}-00f067aa0ba902b7-01`, 'x-request-id': `of-${listener.length}` });
    const exemplar = await eventually(async () => {
      const { text } = await scrape(url, openMetrics);
      return new RegExp(
        `^http_request_duration_ms_bucket\\{.*} \\d+ # \\{trace_id="${traceId}"} (\\S+) (\\S+)$`,
        'm',
      ).exec(text);
    }, 'the exemplar');
    const line = await gateway.accessLog(`of-${listener.length}`);
    assert.equal(line['traceId'], traceId);
    assert.ok(
      Math.abs(Number(exemplar[1]) - Number(line['durationMs'])) < 0.1,
      `${exemplar[1]}, ${String(line['durationMs'])}`,
    );
    // Both are seconds since 1970.
    assert.ok(
      Math.abs(Number(exemplar[2]) - Number(line['time']) / 1000) < 60,
      `${exemplar[2]}, ${String(line['time'])}`,
    );
  });

  test(`${listener} answers each in the format that it asked for`, async () => {
    const modern = await scrape(url, openMetrics);
    assert.equal(modern.type, 'application/openmetrics-text; version=1.0.0; charset=utf-8');
    assert.equal(modern.vary, 'Accept');
    assert.ok(modern.text.endsWith('\n# EOF\n'));
    const plain = await scrape(url, 'text/plain');
    assert.equal(plain.type, 'text/plain; version=0.0.4; charset=utf-8');
    assert.equal(plain.vary, 'Accept');
    assert.doesNotMatch(plain.text, /trace_id|# EOF/);
  });
}

async function request(headers: Readonly<Record<string, string>>): Promise<void> {
  const answer = await fetch(`${gateway.url}/a`, { headers });
  assert.equal(answer.status, 204);
}

async function scrape(
  url: string,
  accept: string,
): Promise<{ type: string | null; vary: string | null; text: string }> {
  const answer = await fetch(`${url}/metrics`, { headers: { accept } });
  const { headers } = answer;
  return { type: headers.get('content-type'), vary: headers.get('vary'), text: await answer.text() };
}
