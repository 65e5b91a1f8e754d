/** Durations, sizes and shares, as people write them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatDuration, formatSize, parseDuration, parsePercent, parseSize } from '../../../src/core/units.ts';

test('a duration is a number and a unit', () => {
  assert.equal(parseDuration('250ms'), 250);
  assert.equal(parseDuration('30s'), 30_000);
  assert.equal(parseDuration('5m'), 300_000);
  assert.equal(parseDuration('1h'), 3_600_000);
  assert.equal(parseDuration('0s'), 0);
});

test('a duration may have a fraction when whole milliseconds come of it', () => {
  assert.equal(parseDuration('1.5s'), 1_500);
  assert.equal(parseDuration('1.1m'), 66_000);
  assert.equal(parseDuration('0.5ms'), null);
});

test('anything else is no duration', () => {
  for (const text of [
    '',
    '30',
    's',
    '-1s',
    '1 s',
    '1S',
    '1d',
    '1e3s',
    '1s ',
    '+1s',
    '1.s',
    '.5s',
    `${'9'.repeat(30)}h`,
  ]) {
    assert.equal(parseDuration(text), null, text);
  }
});

test('a kb is 1024 bytes, in either case', () => {
  assert.equal(parseSize('1b'), 1);
  assert.equal(parseSize('64kb'), 65_536);
  assert.equal(parseSize('10MB'), 10_485_760);
  assert.equal(parseSize('1.5Kb'), 1_536);
  assert.equal(parseSize('1gb'), 1_073_741_824);
  for (const text of ['', '64', '64k', '64kib', '-1kb', '1 kb', '0.3b']) assert.equal(parseSize(text), null, text);
});

test('a percentage is a share of 1', () => {
  assert.equal(parsePercent('90%'), 0.9);
  assert.equal(parsePercent('0.5%'), 0.005);
  assert.equal(parsePercent('100%'), 1);
  for (const text of ['', '90', '101%', '-1%', '9 %', '%']) assert.equal(parsePercent(text), null, text);
});

test('every number of milliseconds and bytes survives being written and read', () => {
  fc.assert(
    fc.property(fc.nat(2 ** 40), (amount) => {
      assert.equal(parseDuration(formatDuration(amount)), amount);
      assert.equal(parseSize(formatSize(amount)), amount);
    }),
  );
  assert.equal(formatDuration(30_000), '30s');
  assert.equal(formatDuration(1_500), '1500ms');
  assert.equal(formatSize(65_536), '64kb');
  assert.equal(formatSize(0), '0b');
});
