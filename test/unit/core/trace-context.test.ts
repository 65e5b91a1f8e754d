/** W3C Trace Context: which traces are continued, and how. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { continueTrace } from '../../../src/core/trace-context.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const valid = `00-${traceId}-00f067aa0ba902b7-01`;

test('a valid traceparent is continued: the same trace and flags, a parent id of our own', () => {
  const trace = continueTrace([valid], []);
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
    assert.equal(continueTrace([`${valid.slice(0, 53)}${sent}`], []).traceparent.slice(-2), kept, sent);
  }
});

test('a future version is read as far as it is known and goes on as version 00', () => {
  for (const sent of [`01${valid.slice(2)}`, `cc${valid.slice(2)}-what-ever`]) {
    assert.match(continueTrace([sent], []).traceparent, new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
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
    const trace = continueTrace(sent, ['a=1']);
    assert.notEqual(trace.traceId, traceId);
    assert.match(trace.traceparent, new RegExp(`^00-${trace.traceId}-[0-9a-f]{16}-00$`));
    assert.match(trace.traceId, /^[0-9a-f]{32}$/);
    assert.equal(trace.tracestate, '');
  }
});

test('tracestate goes on as sent, several fields as one list', () => {
  assert.equal(continueTrace([valid], ['rojo=00f0, congo=t61', 'a@b=x y']).tracestate, 'rojo=00f0, congo=t61,a@b=x y');
  assert.equal(continueTrace([valid], []).tracestate, '');
  assert.equal(continueTrace([valid], ['a=1,,b=2']).tracestate, 'a=1,,b=2');
});

test('a tracestate that is no list of at most 32 members is dropped whole', () => {
  const members = (count: number) => Array.from({ length: count }, (_, i) => `k${i}=v`).join(',');
  assert.equal(continueTrace([valid], [members(32)]).tracestate, members(32));
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
    assert.equal(continueTrace([valid], [sent]).tracestate, '', sent);
  }
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
        const trace = continueTrace(parents, states);
        assert.match(trace.traceparent, /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[0-3]$/);
        assert.equal(trace.traceparent.slice(3, 35), trace.traceId);
      },
    ),
    { numRuns: 2_000 },
  );
});
