/** What a span keeps in memory while it waits: known, and no more than it shows. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { FinishedSpan, sizeOfSpan } from '../../../src/telemetry/finished-span.ts';
import { ownText } from '../../../src/telemetry/own-text.ts';
import { describeGateway } from '../../../src/telemetry/resource.ts';
import { contextOf } from '../../../src/telemetry/span-settings.ts';

const resource = describeGateway(3000);

function spanWith(path: string, tracestate: string): FinishedSpan {
  const trace = { traceId: 'a'.repeat(32), parentId: '', isSampled: true, traceparent: '', tracestate };
  return new FinishedSpan({
    name: 'GET',
    kind: SpanKind.SERVER,
    context: contextOf(trace, 'b'.repeat(16)),
    parent: null,
    startMs: 0,
    endMs: 1,
    status: { code: SpanStatusCode.UNSET },
    attributes: { 'url.path': path, 'http.response.status_code': 200 },
    events: [],
    resource,
  });
}

test('what a client makes long counts', () => {
  const empty = sizeOfSpan(spanWith('', ''));
  assert.ok(empty > 0);
  assert.equal(sizeOfSpan(spanWith('/'.repeat(700), `a=${'b'.repeat(298)}`)) - empty, 1000);
});

test('a long text is cut, and any text stays what it is', () => {
  assert.equal(ownText('/\xe4/ö'), '/\xe4/ö');
  assert.equal(ownText('x'.repeat(2000)).length, 2000);
  assert.equal(ownText('x'.repeat(9000)), `${'x'.repeat(2000)}…`);
});
