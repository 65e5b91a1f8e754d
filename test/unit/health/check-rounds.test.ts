/** When targets are asked: never twice at a time, at once after they are taken up, and no more after they are let go. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Checked, CheckRounds } from '../../../src/health/check-rounds.ts';
import { eventually, within } from '../../support/deadline.ts';

const check = { path: '/', intervalMs: 10, timeoutMs: 1_000, healthy: 1, unhealthy: 1 };
const target = (identity: string, more: object = {}): Checked => ({ identity, check: { ...check, ...more } });

test('a question that takes longer than the interval is not asked a second time meanwhile', async (t) => {
  let open = 0;
  let most = 0;
  const answers: (() => void)[] = [];
  const rounds = new CheckRounds({
    ask: async () => {
      most = Math.max(most, ++open);
      await new Promise<void>((resolve) => answers.push(resolve));
      open--;
      return null;
    },
    onAnswer: () => {},
    random: () => 0,
  });
  t.after(() => rounds.follow([]));
  rounds.follow([target('a')]);
  for (let asked = 1; asked <= 3; asked++) {
    await eventually(() => (answers.length === asked ? true : null), 'a question');
    // Several intervals.
    await new Promise((resolve) => setTimeout(resolve, 40));
    assert.equal(answers.length, asked);
    answers[asked - 1]?.();
  }
  assert.equal(most, 1);
});

test('who stays is asked in the same rhythm, who is new at once, and who goes no more, not even to answer', async (t) => {
  const asked = new Map<string, number>();
  const answered: string[] = [];
  let letGo: (problem: null) => void = () => {};
  const rounds = new CheckRounds<Checked>({
    ask: ({ identity }) => {
      asked.set(identity, (asked.get(identity) ?? 0) + 1);
      return identity === 'slow' ? new Promise((resolve) => (letGo = resolve)) : Promise.resolve(null);
    },
    onAnswer: ({ identity }) => answered.push(identity),
    random: () => 0,
  });
  t.after(() => rounds.follow([]));
  rounds.follow([target('rare', { intervalMs: 3_600_000 }), target('slow')]);
  await eventually(() => (asked.size === 2 ? true : null), 'the first questions');
  rounds.follow([target('rare', { intervalMs: 3_600_000 }), target('new')]);
  await eventually(() => ((asked.get('new') ?? 0) >= 3 ? true : null), 'questions to the new one');
  letGo(null);
  await within(new Promise(setImmediate), 'a turn');
  assert.deepEqual([asked.get('rare'), asked.get('slow')], [1, 1]);
  assert.ok(!answered.includes('slow'));
});

test('of hundreds 64 at most are asked at a time, in the order in which their time came, and who has gone is not', async (t) => {
  const asked: string[] = [];
  const answers: (() => void)[] = [];
  const rounds = new CheckRounds<Checked>({
    ask: ({ identity }) => {
      asked.push(identity);
      return new Promise((resolve) => answers.push(() => resolve(null)));
    },
    onAnswer: () => {},
    random: () => 0,
  });
  t.after(() => rounds.follow([]));
  const rare = { intervalMs: 3_600_000 };
  const many = Array.from({ length: 300 }, (_, i) => target(`${i}`, rare));
  const told = many.map(({ identity }) => identity);
  rounds.follow(many);
  await eventually(() => (asked.length === 64 ? true : null), 'the first questions');
  // All have had their time by now: the next one's is over.
  rounds.follow([...many, target('last', { intervalMs: 3_600_000 })]);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(asked, told.slice(0, 64));

  // The 65th leaves and comes back behind all others.
  rounds.follow([...many.filter(({ identity }) => identity !== '64'), target('last', rare)]);
  rounds.follow([...many, target('last', rare)]);
  await new Promise((resolve) => setTimeout(resolve, 50));
  for (let answered = 0; answered < asked.length; answered++) {
    answers[answered]?.();
    await within(new Promise(setImmediate), 'a turn');
    assert.ok(asked.length - answered <= 64 + 1);
  }
  assert.deepEqual(asked, [...told.slice(0, 64), ...told.slice(65), 'last', '64']);
});
