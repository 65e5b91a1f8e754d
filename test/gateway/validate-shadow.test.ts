/** `validate.mode: shadow`: what would have been refused passes as it came, and log and metrics tell. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { eventually } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';
import { metric } from '../support/metric.ts';
import { type RawResponse, rawClient } from '../support/raw-client.ts';
import { recordingUpstream } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const validate = {
  mode: 'shadow',
  contentTypes: ['application/json'],
  query: { properties: { n: { type: 'integer' } } },
  body: { type: 'object', required: ['id'] },
};
const gateway = await startGateway({
  config: {
    upstreams: [{ name: 'api', url: upstream.url }],
    routes: [{ name: 'tried', path: '/tried', upstream: 'api', maxBodySize: 100_000, validate }],
  },
});
const json = 'Content-Type: application/json\r\n';

const lines: readonly (readonly [what: string, target: string, fields: string, body: Buffer, shadow: string | null])[] =
  [
    ['a request that fits', '/tried?n=1', json, Buffer.from('{"id":1}'), null],
    ['another media type', '/tried', 'Content-Type: text/plain\r\n', Buffer.from('hello'), 'unsupported_media_type'],
    ['an unknown coding', '/tried', `${json}Content-Encoding: zip\r\n`, Buffer.from('hello'), 'unsupported_media_type'],
    ['a wrong parameter', '/tried?n=x', json, Buffer.from('{}'), 'validation_failed'],
    ['a wrong body', '/tried', json, Buffer.from('{"id":1,"id":2}'), 'validation_failed'],
    ['no body', '/tried', json, Buffer.alloc(0), 'validation_failed'],
    ['a large wrong body', '/tried', json, Buffer.from(`[${'1,'.repeat(40_000)}1]`), 'validation_failed'],
    [
      'a body that is not what its coding says',
      '/tried',
      `${json}Content-Encoding: gzip\r\n`,
      Buffer.from('{"id":1}'),
      'validation_failed',
    ],
    [
      'a body that becomes too large',
      '/tried',
      `${json}Content-Encoding: gzip\r\n`,
      gzipSync(Buffer.alloc(100_001)),
      'body_too_large',
    ],
  ];

for (const [what, target, fields, body, shadow] of lines) {
  test(`${what} passes as it came${shadow === null ? '' : ', and is noted'}`, async () => {
    const answer = await post(target, fields, body);
    assert.equal(answer.status, 200);
    const request = await upstream.arrival('/tried');
    assert.deepEqual((await request.received).bytes, body);
    const line = await gateway.accessLog(answer.header('x-request-id') ?? '');
    assert.deepEqual(line['shadow'], shadow === null ? undefined : [shadow]);
  });
}

test('they are counted by policy and route', async () => {
  const labels = { policy: 'validate', route: 'tried' };
  const expected = lines.filter((line) => line[4] !== null).length;
  await eventually(
    async () => ((await metric(gateway.adminUrl, 'shadow_decisions_total', labels)) === expected ? true : null),
    `${expected} decisions`,
  );
  assert.equal(await metric(gateway.adminUrl, 'rejected_requests_total'), 0);
});

async function post(target: string, fields: string, body: Buffer): Promise<RawResponse> {
  const client = await rawClient(gateway.port);
  client.write(`POST ${target} HTTP/1.1\r\nHost: a\r\n${fields}Content-Length: ${body.length}\r\n\r\n`, body);
  const answer = await client.finalResponse('POST');
  client.destroy();
  assert.ok(answer !== null, 'no answer');
  return answer;
}
