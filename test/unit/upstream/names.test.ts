/** Names that are kept fresh: who waits, who is asked how often, and what remains when nobody answers. */
import assert from 'node:assert/strict';
import type { LookupAddress } from 'node:dns';
import { type TestContext, test } from 'node:test';
import { Names } from '../../../src/upstream/names.ts';
import type { ResolveName } from '../../../src/upstream/resolve-name.ts';
import { eventually } from '../../support/deadline.ts';

interface Setup {
  readonly names: Names;
  readonly moves: string[];
  readonly lines: string[];
}

function namesBy(t: TestContext, resolve: ResolveName): Setup {
  const moves: string[] = [];
  const lines: string[] = [];
  const log = {
    info: (_: object, line: string) => lines.push(line),
    warn: (_: object, line: string) => lines.push(line),
  };
  const names = new Names({
    resolve,
    log,
    onMoved: (hostname, addresses) => moves.push(`${hostname} ${addresses.join()}`),
  });
  t.after(() => names.keepOnly(new Set()));
  return { names, moves, lines };
}

function lookUp({ names }: Setup, hostname = 'a.test'): Promise<string[]> {
  return new Promise((resolve, reject) => {
    names.lookup(hostname, { all: true }, (error, answer) => {
      if (error === null) resolve((answer as LookupAddress[]).map(({ address }) => address));
      else reject(error);
    });
  });
}

/** `ttlMs` is taken for at least a second. */
function answering(ips: () => readonly string[], ttlMs = 0): ResolveName & { asked: number } {
  const resolve = Object.assign(
    async () => {
      resolve.asked++;
      const addresses = ips().map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
      return { addresses, askTtlMs: () => Promise.resolve(ttlMs) };
    },
    { asked: 0 },
  );
  return resolve;
}

test('connections take turns over the addresses of each family, and the first family stays first', async (t) => {
  const setup = namesBy(
    t,
    answering(() => ['::1', '10.0.0.1', '10.0.0.2', '::2', '::3'], 60_000),
  );
  const firsts: (string | undefined)[] = [];
  for (let i = 0; i < 6; i++) {
    const answer = await lookUp(setup);
    assert.deepEqual(answer.toSorted(), ['10.0.0.1', '10.0.0.2', '::1', '::2', '::3']);
    firsts.push(answer[0]);
  }
  assert.deepEqual(firsts, ['::1', '::2', '::3', '::1', '::2', '::3']);
});

test('requests that come together share the first question; later ones wait for none', async (t) => {
  const resolve = answering(() => ['10.0.0.1'], 60_000);
  const setup = namesBy(t, resolve);
  await Promise.all([lookUp(setup), lookUp(setup), lookUp(setup)]);
  await lookUp(setup);
  assert.equal(resolve.asked, 1);
});

test('an answer is renewed after its TTL, and a move is told once', async (t) => {
  let ips = ['10.0.0.1', '10.0.0.2'];
  const resolve = answering(() => ips);
  const setup = namesBy(t, resolve);
  await lookUp(setup);
  // Another order is no move.
  ips = ['10.0.0.2', '10.0.0.1'];
  await eventually(() => (resolve.asked === 2 ? true : null), 'a renewal');
  assert.deepEqual(setup.moves, []);
  ips = ['10.0.0.3'];
  await eventually(() => (setup.moves.length > 0 ? true : null), 'a move');
  assert.deepEqual(setup.moves, ['a.test 10.0.0.3']);
  assert.deepEqual(await lookUp(setup), ['10.0.0.3']);
});

test('while a renewal hangs or fails the last good answer is used, with one warning', async (t) => {
  let isAway = false;
  let asked = 0;
  const good = answering(() => ['10.0.0.1']);
  const setup = namesBy(t, async (hostname) => {
    asked++;
    if (isAway) throw Object.assign(new Error('away'), { code: 'ESERVFAIL' });
    return await good(hostname);
  });
  await lookUp(setup);
  isAway = true;
  await eventually(() => (asked >= 3 ? true : null), 'two failures');
  assert.deepEqual(await lookUp(setup), ['10.0.0.1']);
  assert.equal(setup.lines.length, 1);
  isAway = false;
  await eventually(() => (setup.lines.length === 2 ? true : null), 'the good news');
  assert.deepEqual(setup.lines, [
    'the name is not resolved any more: its last addresses stay in use',
    'the name is resolved again',
  ]);
});

test('without any answer the one who asks is told, and the next one asks anew', async (t) => {
  let isThere = false;
  const good = answering(() => ['10.0.0.1'], 60_000);
  const setup = namesBy(t, async (hostname) => {
    if (!isThere) throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });
    return await good(hostname);
  });
  await assert.rejects(lookUp(setup), { code: 'ENOTFOUND' });
  isThere = true;
  assert.deepEqual(await lookUp(setup), ['10.0.0.1']);
});

test('names that nobody needs any more are forgotten, and others are asked when the servers change', async (t) => {
  const first = answering(() => ['10.0.0.1'], 60_000);
  const setup = namesBy(t, first);
  await lookUp(setup, 'kept.test');
  await lookUp(setup, 'gone.test');
  setup.names.keepOnly(new Set(['kept.test']));
  const second = answering(() => ['10.0.0.9'], 60_000);
  setup.names.askBy(second);
  await eventually(() => (setup.moves.length > 0 ? true : null), 'a move');
  assert.deepEqual(setup.moves, ['kept.test 10.0.0.9']);
  assert.deepEqual([first.asked, second.asked], [2, 1]);
});
