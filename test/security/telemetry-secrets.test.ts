/** What a collector is told holds no key, cookie, token or query of a client, and nobody is told the collector's token. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';
import { otlpReceiver } from '../support/otlp-receiver.ts';
import { ask } from '../support/raw-client.ts';
import { recordingUpstream } from '../support/recording-upstream.ts';

const mark = 'S3CRET';
const collector = await otlpReceiver();
const upstream = await recordingUpstream();
const configWith = (collectorUrl: string): object => ({
  logging: { level: 'trace' },
  security: {
    auth: {
      type: 'apiKey',
      keys: [{ key: createHash('sha256').update(`${mark}-key`).digest('hex'), name: 'Somebody' }],
      default: 'optional',
    },
  },
  upstreams: [{ name: 'api', url: upstream.url }],
  routes: [{ path: '/*', upstream: 'api', request: { headers: { set: { Authorization: `Bearer ${mark}` } } } }],
  telemetry: {
    otlp: { url: collectorUrl, sampleRatio: 1, interval: 20, headers: { authorization: `Bearer ${mark}-token` } },
  },
});
const gateway = await startGateway({ config: configWith(collector.url) });
const credentials = [
  `Cookie: session=${mark}`,
  `Authorization: Basic ${mark}`,
  `Referer: http://a/?token=${mark}`,
  `X-Session: ${mark}`,
].join('\r\n');

test('spans and log records hold nothing of what a client shows', async () => {
  for (const key of [`${mark}-key`, `${mark}-wrong`]) {
    await ask(gateway.port, `GET /a?token=${mark} HTTP/1.1\r\nHost: a\r\nX-API-Key: ${key}\r\n${credentials}\r\n\r\n`);
  }
  await eventually(() => (collector.logs.filter(({ body }) => body === 'request').length === 2 ? true : null), 'logs');
  await eventually(
    () => (collector.spans.length === 3 ? true : null),
    'the spans of a request that passed and one that did not',
  );
  assert.ok(collector.spans.some(({ attributes }) => attributes['sluice.consumer'] === 'Somebody'));
  assert.ok(
    collector.spans.some(({ events }) => events.some(({ attributes }) => attributes['sluice.code'] === 'unauthorized')),
  );
  assert.doesNotMatch(JSON.stringify([collector.spans, collector.logs]), new RegExp(mark));
});

test('the collector’s token stands in no log line and in no view of the config', async () => {
  assert.ok(collector.requests.every(({ headers }) => headers.authorization === `Bearer ${mark}-token`));
  const config = await (await fetch(`${gateway.adminUrl}/config`)).text();
  assert.match(config, /\[redacted\]/);
  assert.doesNotMatch(config + gateway.stdout + gateway.stderr, new RegExp(mark));
});

test('a collector that points elsewhere is not followed: its token goes to nobody else', async () => {
  let visits = 0;
  const elsewhere = await serve((_, response) => {
    visits++;
    response.end();
  });
  const pointing = await serve((request, response) => {
    request.resume().on('end', () => response.writeHead(307, { location: `${elsewhere}${request.url}` }).end());
  });
  assert.equal(await gateway.reload(configWith(pointing)), 'accepted');
  await ask(gateway.port, 'GET /pointed HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  for (const signal of ['traces', 'logs']) {
    await gateway.log(
      (line) => line['signal'] === signal && line['reason'] === 'status 307',
      `the warning of ${signal}`,
    );
  }
  assert.equal(visits, 0);
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  after(() => server.close().closeAllConnections());
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
