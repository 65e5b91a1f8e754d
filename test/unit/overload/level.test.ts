/** Who is turned away at which pressure. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { levelAt, levels } from '../../../src/overload/level.ts';

const cases: readonly (readonly [pressure: number, level: string])[] = [
  [0, 'nobody'],
  [0.799, 'nobody'],
  [0.8, 'low'],
  [0.899, 'low'],
  [0.9, 'normal'],
  [0.999, 'normal'],
  [1, 'all'],
  [Number.POSITIVE_INFINITY, 'all'],
];

for (const [pressure, level] of cases) {
  test(`at ${pressure} it is ${level}`, () => assert.equal(levels[levelAt(pressure)]?.level, level));
}
