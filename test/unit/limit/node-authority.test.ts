/** The worker's way to the supervisor, and what becomes of limits when nobody is there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AsksMessage } from '../../../src/contracts/ipc.ts';
import type { Ask } from '../../../src/contracts/limiter.ts';
import { NodeAuthority } from '../../../src/limit/node-authority.ts';
import { LimitKeeper } from '../../../supervisor/limit-keeper.ts';
import { within } from '../../support/deadline.ts';
import { ruleOf } from './rule-of.ts';

const rule = ruleOf({ max: 2, windowMs: 60_000 });
const ask = (client: string): Ask => ({ rules: [rule], buckets: [`${rule.id}|${client}`] });

function authorityWith(send: (message: AsksMessage) => boolean) {
  const told: string[] = [];
  const log = (_: object, message: string): void => void told.push(message);
  let alone = 0;
  const authority = new NodeAuthority({
    send,
    log: { debug: log, info: log, warn: log, error: log, fatal: log },
    now: () => performance.now(),
    onAlone: (requests) => {
      alone += requests;
    },
  });
  return { authority, told, alone: () => alone };
}

test('several workers draw from the same buckets', async () => {
  const keeper = new LimitKeeper(() => 1_000);
  const workers = [0, 1].map(() => {
    const worker = authorityWith((message) => {
      setImmediate(() => worker.authority.answered(keeper.answer(message)));
      return true;
    });
    return worker;
  });
  const answers: unknown[] = [];
  for (const { authority } of [...workers, ...workers]) answers.push(...(await authority.admit([ask('a')])));
  assert.deepEqual(answers, [[60_000], [120_000], [-30_000], [-30_000]]);
  assert.deepEqual(
    workers.map(({ alone }) => alone()),
    [0, 0],
  );
});

test('what is asked while a batch is under way travels in the next one, together', async () => {
  const sent: AsksMessage[] = [];
  const { authority } = authorityWith((message) => sent.push(message) > 0);
  const first = authority.admit([ask('a')]);
  const second = authority.admit([ask('a'), ask('b')]);
  const third = authority.admit([ask('a')]);
  assert.deepEqual(
    sent.map(({ sizes }) => sizes.length),
    [1],
  );
  const keeper = new LimitKeeper(() => 1_000);
  authority.answered(keeper.answer(sent[0] as AsksMessage));
  assert.deepEqual(
    sent.map(({ sizes }) => sizes.length),
    [1, 3],
  );
  authority.answered(keeper.answer(sent[1] as AsksMessage));
  assert.deepEqual(await Promise.all([first, second, third]), [[[60_000]], [[120_000], [60_000]], [[-30_000]]]);
});

test('without a supervisor the worker keeps the limits by itself, and says so once', async () => {
  const { authority, told, alone } = authorityWith(() => false);
  const levels = await authority.admit([ask('a'), ask('a'), ask('a'), ask('b')]);
  assert.deepEqual(
    levels.map((answer) => (answer[0] as number) >= 0),
    [true, true, false, true],
  );
  await authority.admit([ask('a')]);
  assert.equal(alone(), 5);
  assert.equal(told.length, 1);
});

test('whoever waits for a silent supervisor is answered after a second, those who come then at once', async () => {
  const sent: AsksMessage[] = [];
  const { authority, told, alone } = authorityWith((message) => sent.push(message) > 0);
  const startedAt = performance.now();
  const both = Promise.all([authority.admit([ask('a')]), authority.admit([ask('a')])]);
  await within(both, 'the answers');
  assert.ok(performance.now() - startedAt >= 990);
  await authority.admit([ask('a')]);
  assert.equal(alone(), 3);
  // A supervisor that has stopped is not sent more and more.
  assert.equal(sent.length, 1);

  const keeper = new LimitKeeper(() => 1_000);
  authority.answered(keeper.answer(sent[0] as AsksMessage));
  const next = authority.admit([ask('a')]);
  assert.equal(sent.length, 2);
  authority.answered(keeper.answer(sent[1] as AsksMessage));
  assert.deepEqual(await next, [[120_000]]);
  assert.equal(told.at(-1), 'limits: the supervisor answers again');
});
