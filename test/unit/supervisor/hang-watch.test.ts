import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HangWatch } from '../../../supervisor/hang-watch.ts';

const at = (now: number) => ({ now, afterGap: false });

test('a worker is hung after 10 s of silence, and not before', () => {
  const watch = new HangWatch<string>();
  watch.watch('a', 0);
  assert.equal(watch.findHung(at(9_999)), null);
  assert.equal(watch.findHung(at(10_000)), 'a');
  watch.heard('a', 10_000);
  assert.equal(watch.findHung(at(19_999)), null);
});

test('of several the one that has been silent for longest is named', () => {
  const watch = new HangWatch<string>();
  watch.watch('a', 200);
  watch.watch('b', 100);
  watch.watch('c', 300);
  assert.equal(watch.findHung(at(20_000)), 'b');
  watch.unwatch('b');
  assert.equal(watch.findHung(at(20_000)), 'a');
});

test('after a gap of the supervisor all silences begin anew', () => {
  const watch = new HangWatch<string>();
  watch.watch('a', 0);
  assert.equal(watch.findHung({ now: 10_500, afterGap: true }), null);
  assert.equal(watch.findHung(at(20_400)), null);
  assert.equal(watch.findHung(at(20_500)), 'a');
});

test('a worker that is not watched can say what it likes', () => {
  const watch = new HangWatch<string>();
  watch.heard('stranger', 0);
  assert.equal(watch.findHung(at(60_000)), null);
});

test('pings are due once a second', () => {
  const watch = new HangWatch<string>();
  const due = [0, 250, 500, 750, 1000, 1250, 2000].filter((now) => watch.shouldPing(at(now)));
  assert.deepEqual(due, [0, 1000, 2000]);
});
