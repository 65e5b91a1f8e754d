/** From readings to pressure, and from pressure to levels that hold for a second. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { OverloadConfig, Priority } from '../../../src/contracts/config.ts';
import { shedFrom } from '../../../src/overload/level.ts';
import { Overload, type WaitingRequests } from '../../../src/overload/overload.ts';

const settings: OverloadConfig = {
  configured: true,
  maxConcurrent: 10,
  maxEventLoopDelayMs: 100,
  maxMemory: 0.5,
  adaptive: false,
  mode: 'enforce',
};

const nobody = { shedOne: () => false };

function worker(changes: Partial<OverloadConfig> = {}, waiting: WaitingRequests = nobody) {
  const state = { delayMs: 0, memory: 0, now: 0 };
  const lines: Record<string, unknown>[] = [];
  const full: number[] = [];
  const note = (fields: Readonly<Record<string, unknown>>, msg: string): void => void lines.push({ ...fields, msg });
  const overload = new Overload({
    lookAtLoop: () => ({ count: 5, sumMs: 5 * state.delayMs, longestMs: state.delayMs }),
    memory: { pressure: () => state.memory },
    memoryBytes: 1,
    waiting,
    onFullMemory: (share) => void full.push(share),
    log: { debug: note, info: note, warn: note, error: note, fatal: note },
  });
  overload.configure({ ...settings, ...changes });
  /** Looks each 100 ms, for so long. */
  const pass = (ms: number, inFlight = 0): void => {
    for (const until = state.now + ms; state.now < until; state.now += 100) overload.look(inFlight, state.now);
  };
  return { overload, state, lines, full, pass, levels: () => lines.map(({ sheds }) => sheds) };
}

test('what is in flight counts at the moment of the request', () => {
  const { overload } = worker();
  assert.deepEqual(
    [0, 8, 10, 12].map((inFlight) => overload.pressureAt(inFlight)),
    [0, 0.8, 1, 1.2],
  );
});

test('the highest of the three is the pressure', () => {
  const { overload, state, pass } = worker();
  Object.assign(state, { delayMs: 50, memory: 0.3 });
  pass(1000);
  assert.equal(overload.pressureAt(2), 0.5);
  assert.equal(overload.pressureAt(7), 0.7);
  state.memory = 1.1;
  pass(100);
  assert.equal(overload.pressureAt(7), 1.1);
  assert.deepEqual(overload.pressures, { concurrency: 0, event_loop: 0.5, memory: 1.1 });
});

test('before the first config nothing is too much', () => {
  const overload = new Overload({
    lookAtLoop: () => ({ count: 1, sumMs: 1e6, longestMs: 1e6 }),
    memory: { pressure: () => 0 },
    memoryBytes: 1,
    waiting: nobody,
    onFullMemory: () => {},
    log: { debug() {}, info() {}, warn() {}, error() {}, fatal() {} },
  });
  overload.look(1e6, 0);
  assert.equal(overload.pressureAt(1e6), 0);
});

test('a level is told when it is reached, and when it has been left for a second', () => {
  const { state, pass, levels, lines } = worker();
  pass(500, 8);
  pass(500, 9);
  pass(900, 0);
  assert.deepEqual(levels(), ['low', 'normal']);
  pass(200, 0);
  assert.deepEqual(levels(), ['low', 'normal', 'nobody']);
  assert.deepEqual(
    lines.map(({ msg }) => msg),
    [
      'overload: requests are turned away by priority',
      'overload: requests are turned away by priority',
      'overload is over',
    ],
  );
  assert.equal(state.now, 2100);
});

test('a peak between two looks counts', () => {
  const { overload, pass, levels } = worker();
  overload.pressureAt(10);
  pass(100);
  assert.deepEqual(levels(), ['all']);
});

test('however the pressure jumps, the log gets a bounded number of lines', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 10, maxLength: 300 }), (loads) => {
      const { pass, lines } = worker();
      for (const load of loads) pass(100, load);
      // Up by at most three levels, then down once the second is over.
      assert.ok(lines.length <= 4 * Math.ceil(loads.length / 10), `${lines.length} of ${loads.length}`);
    }),
  );
});

test('the log is thinned from 0.9 on, at once, until that has been over for a second', () => {
  const { overload, pass } = worker();
  pass(500, 8);
  assert.equal(overload.thinsLog, false);
  overload.pressureAt(9);
  assert.equal(overload.thinsLog, true);
  pass(800, 8);
  assert.equal(overload.thinsLog, true);
  pass(400, 8);
  assert.equal(overload.thinsLog, false);
});

test('shadow mode tells the levels and leaves the log alone', () => {
  const { overload, pass, lines } = worker({ mode: 'shadow' });
  pass(100, 10);
  assert.equal(overload.thinsLog, false);
  assert.deepEqual(
    lines.map(({ sheds, mode }) => [sheds, mode]),
    [['all', 'shadow']],
  );
});

test('those who wait stay while the pressure of the others is below their threshold, and no more go than it takes', () => {
  const counts = fc.record({ low: fc.nat(15), normal: fc.nat(15), high: fc.nat(15), busy: fc.nat(15) });
  fc.assert(
    fc.property(counts, ({ busy, ...counted }) => {
      const room = roomWith(counted, busy);
      const { overload } = worker({}, room);
      overload.relieve(room);
      const { waiting } = room;
      const kept = (['low', 'normal', 'high'] as const).filter((priority) => waiting[priority] > 0);
      for (const priority of kept) assert.ok((room.load - 1) / 10 < shedFrom[priority], JSON.stringify(waiting));
      // Whoever went last met too much: with one more in flight it would be so again.
      const gone = (['high', 'normal', 'low'] as const).find((priority) => waiting[priority] < counted[priority]);
      if (gone !== undefined) assert.ok(room.load / 10 >= shedFrom[gone], JSON.stringify(waiting));
    }),
  );
});

test('a loop that is late, or memory that is short, turns away all of a priority; shadow mode nobody', () => {
  for (const mode of ['enforce', 'shadow'] as const) {
    const room = roomWith({ low: 2, normal: 1, high: 1 }, 0);
    const { overload, state, pass } = worker({ mode }, room);
    for (const [memory, waiting] of [
      [0.7, 4],
      [0.85, 2],
      [0.95, 1],
      [1, 0],
    ] as const) {
      state.memory = memory;
      pass(100);
      overload.relieve(room);
      assert.equal(room.load, mode === 'enforce' ? waiting : 4, `${memory}`);
    }
  }
});

/** So many who wait, and so many others in flight. */
function roomWith(counts: Readonly<Record<Priority, number>>, busy: number) {
  const waiting = { ...counts };
  return {
    waiting,
    get load(): number {
      return busy + waiting.low + waiting.normal + waiting.high;
    },
    shedOne(priority: Priority): boolean {
      if (waiting[priority] === 0) return false;
      waiting[priority]--;
      return true;
    },
  };
}

test('memory that stays full for ten seconds is told, again after ten more, and not in shadow mode', () => {
  for (const [mode, told] of [
    ['enforce', [0.9, 0.9]],
    ['shadow', []],
  ] as const) {
    const { state, pass, full } = worker({ mode });
    state.memory = 0.9;
    pass(9_900);
    state.memory = 0.89;
    pass(100);
    state.memory = 0.9;
    pass(10_000);
    assert.deepEqual(full, []);
    pass(10_000);
    assert.deepEqual(full, told.slice(1));
    pass(10_000);
    assert.deepEqual(full, told);
  }
});
