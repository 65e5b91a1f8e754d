/** The line of those who wait, against a plain list: who is first, who gives way, and who leaves from the middle. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Priority } from '../../../src/contracts/config.ts';
import type { Attempt, TurnedAway } from '../../../src/contracts/upstream.ts';
import { WaitingLine } from '../../../src/upstream/waiting-line.ts';
import { WaitingRoom } from '../../../src/upstream/waiting-room.ts';

const ranks: readonly Priority[] = ['low', 'normal', 'high'];
const options = { method: 'GET', path: '/' } as const;

const steps = fc.array(
  fc.record({
    what: fc.constantFrom('add', 'add', 'add', 'take first', 'take last', 'take last below', 'remove'),
    priority: fc.constantFrom(...ranks),
    which: fc.nat(),
  }),
  { maxLength: 200 },
);

test('who matters most goes first, then who came first; who matters least gives way first, then who came last', () => {
  fc.assert(
    fc.property(steps, (order) => {
      const line = new WaitingLine();
      let model: Attempt[] = [];
      for (const { what, priority, which } of order) {
        switch (what) {
          case 'add': {
            const attempt = attemptOf(priority);
            line.add(options, attempt);
            model.push(attempt);
            continue;
          }
          case 'remove': {
            const leaver = model[which % (model.length + 1)] ?? attemptOf(priority);
            assert.equal(line.remove(leaver), model.includes(leaver));
            model = model.filter((attempt) => attempt !== leaver);
            break;
          }
          case 'take first':
          case 'take last':
          case 'take last below': {
            const expected = nextOf(model, what, priority);
            assert.equal(line.hasBelow(priority), nextOf(model, 'take last below', priority) !== null);
            assert.equal(take(line, what, priority), expected);
            model = model.filter((attempt) => attempt !== expected);
          }
        }
        assert.equal(line.length, model.length);
        for (const rank of ranks) assert.equal(line.countOf(rank), withRank(model, rank).length);
      }
    }),
  );
});

test('the room takes from the line in which most of a priority wait, until none of them is left', () => {
  const room = new WaitingRoom();
  const turnedAway: string[] = [];
  const lines = ['a', 'b'].map((name) => ({ name, line: new WaitingLine() }));
  for (const [name, priority, count] of [
    ['a', 'low', 1],
    ['b', 'low', 3],
    ['a', 'high', 5],
  ] as const) {
    for (let i = 1; i <= count; i++) {
      const { line } = lines.find((one) => one.name === name) ?? assert.fail();
      line.add(
        options,
        attemptOf(priority, (why) => turnedAway.push(`${name}${i} ${why}`)),
      );
      room.note(line);
    }
  }
  while (room.shedOne('low'));
  assert.equal(room.shedOne('normal'), false);
  assert.deepEqual(turnedAway, ['b3 pressure', 'b2 pressure', 'a1 pressure', 'b1 pressure']);
  assert.deepEqual(
    lines.map(({ line }) => line.length),
    [5, 0],
  );
});

function take(line: WaitingLine, what: 'take first' | 'take last' | 'take last below', priority: Priority) {
  switch (what) {
    case 'take first':
      return line.takeFirst()?.attempt ?? null;
    case 'take last':
      return line.takeLast(priority)?.attempt ?? null;
    case 'take last below':
      return line.takeLastBelow(priority)?.attempt ?? null;
  }
}

function nextOf(model: readonly Attempt[], what: string, priority: Priority): Attempt | null {
  if (what === 'take last') return withRank(model, priority).at(-1) ?? null;
  if (what === 'take first') return ranks.toReversed().flatMap((rank) => withRank(model, rank))[0] ?? null;
  const lower = ranks.slice(0, ranks.indexOf(priority)).map((rank) => withRank(model, rank));
  return lower.find((equals) => equals.length > 0)?.at(-1) ?? null;
}

function withRank(model: readonly Attempt[], rank: Priority): Attempt[] {
  return model.filter(({ priority }) => priority === rank);
}

function attemptOf(priority: Priority, turnedAway: (why: TurnedAway) => void = () => {}): Attempt {
  return { priority, turnedAway, connection: null, onResponseStarted() {} };
}
