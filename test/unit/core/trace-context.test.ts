/** W3C Trace Context: which traces are continued, and how. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { continueTrace, isInRatio } from '../../../src/core/trace-context.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const valid = `00-${traceId}-00f067aa0ba902b7-01`;

test('a valid traceparent is continued: the same trace and flags, a parent id of our own', () => {
  const trace = continueTrace([valid], [], 0);
  assert.equal(trace.traceId, traceId);
  assert.match(trace.traceparent, new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
  assert.ok(!trace.traceparent.includes('00f067aa0ba902b7'));
});

test('of the flags, sampled and random go on and others do not', () => {
  for (const [sent, kept] of [
    ['00', '00'],
    ['01', '01'],
    ['02', '02'],
    ['03', '03'],
    ['ff', '03'],
    ['fc', '00'],
    ['09', '01'],
  ] as const) {
    assert.equal(continueTrace([`${valid.slice(0, 53)}${sent}`], [], 0).traceparent.slice(-2), kept, sent);
  }
});

test('a future version is read as far as it is known and goes on as version 00', () => {
  for (const sent of [`01${valid.slice(2)}`, `cc${valid.slice(2)}-what-ever`]) {
    assert.match(continueTrace([sent], [], 0).traceparent, new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
  }
});

test('without a single valid traceparent a trace begins, and tracestate means nothing', () => {
  for (const sent of [
    [],
    [valid, valid],
    [''],
    [`${valid}-x`],
    [`${valid} `],
    [`ff${valid.slice(2)}`],
    [`01${valid.slice(2)}x`],
    [valid.toUpperCase()],
    [valid.replace(traceId, '0'.repeat(32))],
    [valid.replace('00f067aa0ba902b7', '0'.repeat(16))],
    [valid.replaceAll('-', '_')],
    [valid.replace('4bf', '4bg')],
    [valid.slice(0, 54)],
    [`${valid.slice(0, 53)}0g`],
  ]) {
    const trace = continueTrace(sent, ['a=1'], 0);
    assert.notEqual(trace.traceId, traceId);
    assert.match(trace.traceparent, new RegExp(`^00-${trace.traceId}-[0-9a-f]{16}-00$`));
    assert.match(trace.traceId, /^[0-9a-f]{32}$/);
    assert.equal(trace.tracestate, '');
  }
});

test('tracestate goes on as sent, several fields as one list', () => {
  assert.equal(
    continueTrace([valid], ['rojo=00f0, congo=t61', 'a@b=x y'], 0).tracestate,
    'rojo=00f0, congo=t61,a@b=x y',
  );
  assert.equal(continueTrace([valid], [], 0).tracestate, '');
  assert.equal(continueTrace([valid], ['a=1,,b=2'], 0).tracestate, 'a=1,,b=2');
});

test('a tracestate that is no list of at most 32 members is dropped whole', () => {
  const members = (count: number) => Array.from({ length: count }, (_, i) => `k${i}=v`).join(',');
  assert.equal(continueTrace([valid], [members(32)], 0).tracestate, members(32));
  for (const sent of [
    members(33),
    'novalue',
    'a=',
    'A=1',
    'a=b=c',
    '=x',
    `${'k'.repeat(257)}=v`,
    `k=${'v'.repeat(257)}`,
    'a=caf\xe9',
  ]) {
    assert.equal(continueTrace([valid], [sent], 0).tracestate, '', sent);
  }
});

test('what the client says of its trace holds, whatever the ratio', () => {
  for (const [flags, ratio] of [
    ['01', 0],
    ['03', 0.1],
    ['00', 1],
    ['02', 1],
  ] as const) {
    const trace = continueTrace([`${valid.slice(0, 53)}${flags}`], [], ratio);
    assert.equal(trace.isSampled, flags.endsWith('1') || flags.endsWith('3'), flags);
    assert.equal(trace.traceparent.slice(-2), flags);
    assert.equal(trace.parentId, '00f067aa0ba902b7');
  }
});

test('of the traces that begin here the ratio is sampled, and says so to upstreams', () => {
  for (const ratio of [0, 0.1, 0.5, 1]) {
    const traces = Array.from({ length: 2_000 }, () => continueTrace([], [], ratio));
    const share = traces.filter(({ isSampled }) => isSampled).length / traces.length;
    assert.ok(Math.abs(share - ratio) < 0.06, `${share} of ${ratio}`);
    for (const { isSampled, traceparent, parentId } of traces) {
      assert.equal(traceparent.slice(-2), isSampled ? '01' : '00');
      assert.equal(parentId, '');
    }
  }
});

test('a trace that is in a ratio is in every larger one, by its id alone', () => {
  const id = fc.stringMatching(/^[0-9a-f]{32}$/);
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(id, share, share, (traceId, a, b) => {
      const [small, large] = a < b ? [a, b] : [b, a];
      assert.ok(!isInRatio(traceId, small) || isInRatio(traceId, large));
      assert.equal(isInRatio(traceId, small), isInRatio(`${'f'.repeat(18)}${traceId.slice(18)}`, small));
    }),
  );
  assert.ok(isInRatio('0'.repeat(32), 1));
  assert.ok(!isInRatio(`${'f'.repeat(18)}${'7'.repeat(14)}`, 0.5));
});

test('whatever comes in, a valid traceparent goes out', () => {
  const digits = fc.string({ unit: fc.constantFrom(...'0123456789abcdefABCDEFg-'.split('')), maxLength: 60 });
  const nearlyValid = fc
    .tuple(fc.nat(54), fc.constantFrom('0', '-', 'g', 'F', ''))
    .map(([at, text]) => valid.slice(0, at) + text + valid.slice(at + 1));
  fc.assert(
    fc.property(
      fc.array(fc.oneof(digits, nearlyValid, fc.constant(valid)), { maxLength: 2 }),
      fc.array(fc.string()),
      (parents, states) => {
        const trace = continueTrace(parents, states, 0.5);
        assert.match(trace.traceparent, /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[0-3]$/);
        assert.equal(trace.traceparent.slice(3, 35), trace.traceId);
      },
    ),
    { numRuns: 2_000 },
  );
});
