import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coalesce } from '../../../supervisor/coalesce.ts';

test('who asks during a run gets one more run, shared by all who ask', async () => {
  let runs = 0;
  let atOnce = 0;
  const ask = coalesce(async () => {
    runs++;
    atOnce++;
    assert.equal(atOnce, 1);
    await new Promise((resolve) => setImmediate(resolve));
    atOnce--;
  });
  const first = ask();
  const second = ask();
  const third = ask();
  assert.equal(second, third);
  await first;
  await second;
  assert.equal(runs, 2);
  await ask();
  assert.equal(runs, 3);
});
