import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AwakeClock, type Tick } from '../../../supervisor/awake-clock.ts';

/** A clock that is moved by hand. */
function createClock() {
  let at = 0;
  const clock = new AwakeClock(() => at);
  const run = (ms: number): void => {
    at += ms;
    clock.tick();
  };
  return { clock, run };
}

test('time in which the process ran counts, a gap hardly does', () => {
  const { clock, run } = createClock();
  for (let i = 0; i < 8; i++) run(250);
  assert.equal(clock.now(), 2000);
  run(3_600_000);
  assert.equal(clock.now(), 3000);
});

test('a tick tells that it comes after a gap', () => {
  const { clock, run } = createClock();
  const ticks: Tick[] = [];
  clock.onTick((tick) => ticks.push(tick));
  run(250);
  run(5000);
  run(250);
  assert.deepEqual(
    ticks.map(({ afterGap }) => afterGap),
    [false, true, false],
  );
});

test('a deadline that passes during a gap waits until what has arrived could be read', () => {
  const { clock, run } = createClock();
  let called = 0;
  clock.after(1000, () => called++);
  run(900);
  run(60_000);
  assert.equal(called, 0);
  run(250);
  assert.equal(called, 1);
  run(250);
  assert.equal(called, 1);
});

test('a cancelled deadline never calls', () => {
  const { clock, run } = createClock();
  const cancel = clock.after(100, () => assert.fail('called'));
  cancel();
  run(500);
});

test('a deadline that is set between two ticks is no shorter for it', () => {
  let at = 0;
  const clock = new AwakeClock(() => at);
  let called = 0;
  at = 200;
  clock.after(300, () => called++);
  for (at = 250; at <= 500; at += 125) {
    clock.tick();
    assert.equal(called, at >= 500 ? 1 : 0, `${at} ms`);
  }
});
