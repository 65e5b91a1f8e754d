/** How many answers it takes to change the verdict on a target. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CheckTally } from '../../../src/health/check-tally.ts';

const rule = { healthy: 2, unhealthy: 3 };

function verdicts(answers: string): string {
  const tally = new CheckTally();
  return answers
    .split('')
    .map((answer) => (tally.note(answer === '+', rule), tally.isHealthy ? 'h' : 'u'))
    .join('');
}

test('three bad answers in a row make it unhealthy, two good ones healthy again; one in between begins anew', () => {
  assert.equal(verdicts('---'), 'hhu');
  assert.equal(verdicts('--+---'), 'hhhhhu');
  assert.equal(verdicts('---+-++'), 'hhuuuuh');
  assert.equal(verdicts('---++--'), 'hhuuhhh');
});

test('the verdict changes with an answer of the other kind, and never before as many in a row', () => {
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { maxLength: 60 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 5 }),
      (answers, healthy, unhealthy) => {
        const tally = new CheckTally();
        let inRow = 0;
        for (const [i, isGood] of answers.entries()) {
          inRow = isGood === answers[i - 1] ? inRow + 1 : 1;
          const before = tally.isHealthy;
          tally.note(isGood, { healthy, unhealthy });
          if (tally.isHealthy !== before) assert.equal(tally.isHealthy, isGood);
          assert.equal(tally.isHealthy === isGood, before === isGood || inRow >= (isGood ? healthy : unhealthy));
        }
      },
    ),
  );
});
