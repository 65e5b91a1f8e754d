import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Member, type Party, reload } from '../../../supervisor/reload.ts';
import type { Prepared } from '../../../supervisor/worker-process.ts';

const candidate = { version: 2, parcel: [] };
const never = new AbortController().signal;

/** A worker of which only the answer to a reload matters. */
class Scripted implements Member {
  version = 1;
  preparedVersion = 0;
  readonly ended = Promise.resolve();
  readonly told: string[] = [];
  readonly #answer: () => Promise<Prepared> | Prepared;
  readonly #onKill: () => void;

  constructor(answer: () => Promise<Prepared> | Prepared, onKill = () => {}) {
    this.#answer = answer;
    this.#onKill = onKill;
  }

  async prepare(): Promise<Prepared> {
    const answer = await this.#answer();
    if (answer.outcome === 'prepared') this.preparedVersion = 2;
    return answer;
  }

  commit(version: number): void {
    this.version = version;
    this.told.push('commit');
  }

  discard(): void {
    this.preparedVersion = 0;
    this.told.push('discard');
  }

  kill(): void {
    this.#onKill();
  }
}

function createParty(members: Scripted[]) {
  let resume = (): void => {};
  const party: Party = {
    serving: () => [...members],
    changed: () =>
      new Promise((resolve) => {
        resume = resolve;
      }),
  };
  const change = (...next: Scripted[]): void => {
    members.splice(0, members.length, ...next);
    resume();
  };
  return { party, change };
}

const willing = () => new Scripted(() => ({ outcome: 'prepared' }));

test('all prepare, then all commit', async () => {
  const members = [willing(), willing()];
  const { party } = createParty(members);
  const outcome = await reload(candidate, party, () => {}, never);
  assert.deepEqual(outcome, { result: 'accepted' });
  assert.deepEqual(
    members.map(({ told }) => told),
    [['commit'], ['commit']],
  );
});

test('one refusal, and all who had prepared it forget it', async () => {
  const refusing = new Scripted(() => ({ outcome: 'refused', error: 'proxy.yml:3: no' }));
  const members = [willing(), refusing, willing()];
  const { party } = createParty(members);
  const outcome = await reload(candidate, party, () => assert.fail('committed'), never);
  assert.deepEqual(outcome, { result: 'rejected', error: 'proxy.yml:3: no' });
  assert.deepEqual(
    members.map(({ told }) => told),
    [['discard'], ['discard'], []],
  );
});

test('a worker that begins to serve meanwhile is asked, too, before anybody commits', async () => {
  const late = willing();
  const { party, change } = createParty([]);
  const first = new Scripted(() => {
    change(first, late);
    return { outcome: 'prepared' };
  });
  change(first);
  await reload(candidate, party, () => assert.deepEqual([first.preparedVersion, late.preparedVersion], [2, 2]), never);
  assert.equal(late.version, 2);
});

test('a worker that answers too late is killed, and decides nothing', async () => {
  const { party, change } = createParty([]);
  const other = willing();
  let killed = false;
  const slow = new Scripted(
    () => ({ outcome: 'late' }),
    () => {
      killed = true;
      change(other);
    },
  );
  change(slow, other);
  assert.deepEqual(await reload(candidate, party, () => {}, never), { result: 'accepted' });
  assert.ok(killed);
});

test('a candidate of which every worker dies is to blame', async () => {
  const { party, change } = createParty([]);
  const mortal = (): Scripted =>
    new Scripted(
      () => ({ outcome: 'ended' }),
      () => change(mortal()),
    );
  change(mortal());
  const outcome = await reload(candidate, party, () => assert.fail('committed'), never);
  assert.equal(outcome.result, 'rejected');
});

test('with nobody there, the next one to serve is waited for', async () => {
  const { party, change } = createParty([]);
  const reloading = reload(candidate, party, () => {}, never);
  const born = willing();
  change(born);
  assert.deepEqual(await reloading, { result: 'accepted' });
  assert.equal(born.version, 2);
});

test('a shutdown ends a reload that waits', async () => {
  const { party } = createParty([]);
  const stop = new AbortController();
  const reloading = reload(candidate, party, () => assert.fail('committed'), stop.signal);
  stop.abort();
  assert.deepEqual(await reloading, { result: 'stopped' });
});
