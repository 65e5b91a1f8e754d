/** The budget of retries, in a worker and on the node: never above its share, and never without its floor. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { PermitSource } from '../../../src/contracts/permits.ts';
import type { RetryGrant } from '../../../src/contracts/retry.ts';
import { SharedRetryBudget } from '../../../src/forward/retry-budget.ts';
import { RetryFloor } from '../../../supervisor/retry-floor.ts';

test('of a hundred requests in flight that all fail, twenty may be tried again', () => {
  const budget = budgetOf(refusing);
  for (let i = 0; i < 100; i++) budget.begin(0);
  const grants = Array.from({ length: 100 }, () => budget.take(0));
  assert.equal(grants.filter((grant) => grant === 'share').length, 20);
});

test('a request earns its share once: retries that end soon make no room for more of them', () => {
  const budget = budgetOf(refusing);
  for (let i = 0; i < 100; i++) budget.begin(0);
  let retries = 0;
  for (let i = 0; i < 100; i++) {
    if (budget.take(0) !== 'share') continue;
    retries++;
    budget.giveBack('share', true);
  }
  assert.equal(retries, 20);
});

test('a retry for which nothing was sent costs nothing', () => {
  const budget = budgetOf(refusing);
  for (let i = 0; i < 20; i++) budget.begin(0);
  for (let i = 0; i < 100; i++) {
    assert.equal(budget.take(0), 'share');
    budget.giveBack('share', false);
  }
  const used = Array.from({ length: 100 }, () => budget.take(0)).filter((grant) => grant === 'share');
  assert.equal(used.length, 4);
});

test('a long time without failures does not save up for a storm', () => {
  const budget = budgetOf(refusing);
  for (let i = 0; i < 10_000; i++) {
    budget.begin(0);
    budget.end();
  }
  for (let i = 0; i < 20; i++) budget.begin(0);
  let retries = 0;
  while (budget.take(0) === 'share') {
    retries++;
    budget.giveBack('share', true);
  }
  assert.equal(retries, 4);
});

test('retries are never more than the share of the requests, whatever the order of things', () => {
  const steps = fc.array(fc.constantFrom('begin', 'end', 'take', 'give back'), { maxLength: 300 });
  fc.assert(
    fc.property(steps, fc.double({ min: 0, max: 1, noNaN: true }), (order, share) => {
      const budget = budgetOf(refusing, share);
      const counts = { begun: 0, inFlight: 0, retries: 0, underWay: 0 };
      for (const step of order) {
        if (step === 'begin') {
          budget.begin(0);
          counts.begun++;
          counts.inFlight++;
        } else if (step === 'end' && counts.inFlight > 0) {
          budget.end();
          counts.inFlight--;
        } else if (step === 'give back' && counts.underWay > 0) {
          budget.giveBack('share', true);
          counts.underWay--;
        } else if (step === 'take' && budget.take(0) === 'share') {
          counts.retries++;
          counts.underWay++;
          assert.ok(counts.underWay <= Math.max(1, share * counts.inFlight) + 1e-6);
        }
        assert.ok(counts.retries <= share * counts.begun + 1e-6, JSON.stringify(counts));
      }
    }),
  );
});

test('a single request is tried again by one of the few that the node always allows', async () => {
  const budget = budgetOf(permitsOf(new RetryFloor(), 1));
  budget.begin(0);
  assert.equal(await budget.take(0), 'floor');
});

test('the node allows three, over all its workers', async () => {
  const node = new RetryFloor();
  const budgets = [1, 2, 3, 4].map((worker) => budgetOf(permitsOf(node, worker)));
  const grants: (RetryGrant | null)[] = [];
  for (const budget of budgets) {
    budget.begin(0);
    grants.push(await budget.take(0));
  }
  assert.deepEqual(grants, ['floor', 'floor', 'floor', null]);
  budgets[0]?.giveBack('floor', true);
  assert.equal(await budgets[3]?.take(Number.POSITIVE_INFINITY), 'floor');
});

test('what workers do by their own share counts towards the three', () => {
  const node = new RetryFloor();
  node.shareChanged(1, 'a', 2, 0, 0);
  assert.equal(node.ask(2, 'a', 0, 0), true);
  assert.equal(node.ask(2, 'a', 0, 0), false);
  assert.equal(node.ask(2, 'b', 0, 0), true);
});

test('where the shares of the workers are no less than the three, there are no others', () => {
  const node = new RetryFloor();
  assert.equal(node.ask(1, 'a', 1.6, 0), true);
  assert.equal(node.ask(2, 'a', 1.6, 10), false);
  assert.equal(node.ask(2, 'a', 1.6, 6_000), true);
});

test('a worker that was busy a moment ago says so, also when one of its retries ends', () => {
  const reports: number[][] = [];
  const sharedChanged = (...report: number[]): void => void reports.push(report);
  const budget = new SharedRetryBudget({ key: 'a', share: 0.2, permits: refusing, sharedChanged });
  for (let i = 0; i < 10; i++) budget.begin(0);
  assert.equal(budget.take(0), 'share');
  for (let i = 0; i < 9; i++) budget.end();
  budget.giveBack('share', true);
  assert.deepEqual(reports, [
    [1, 2],
    [0, 2],
  ]);
});

test('what a worker held is free when it has ended', () => {
  const node = new RetryFloor();
  for (let i = 0; i < 3; i++) assert.equal(node.ask(1, 'a', 0, 0), true);
  assert.equal(node.ask(2, 'a', 0, 0), false);
  node.forget(1);
  assert.equal(node.ask(2, 'a', 0, 0), true);
});

test('after a refusal the node is not asked again at once', async () => {
  let asked = 0;
  const budget = budgetOf({
    ...refusing,
    ask: () => {
      asked++;
      return Promise.resolve('refused');
    },
  });
  budget.begin(0);
  assert.equal(await budget.take(performance.now()), null);
  assert.equal(budget.take(performance.now()), null);
  assert.equal(asked, 1);
});

const refusing: PermitSource = { ask: () => Promise.resolve('refused'), giveBack: () => {} };

function permitsOf(node: RetryFloor, worker: number): PermitSource {
  return {
    ask: (_kind, key, room) => Promise.resolve(node.ask(worker, key, room, 0) ? 'granted' : 'refused'),
    giveBack: (_kind, key) => node.giveBack(worker, key),
  };
}

function budgetOf(permits: PermitSource, share = 0.2): SharedRetryBudget {
  return new SharedRetryBudget({ key: 'a', share, permits, sharedChanged: () => {} });
}
