/** What a course takes it returns: in whatever order tries are made, fail and are given up, nothing is kept or returned twice. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Exchange } from '../../../src/contracts/exchange.ts';
import type { Upstream } from '../../../src/contracts/upstream.ts';
import type { ForwardClock } from '../../../src/forward/clock.ts';
import { Course } from '../../../src/forward/course.ts';
import { failedWithout } from '../../../src/forward/failed-try.ts';
import type { OutgoingBody } from '../../../src/forward/outgoing-body.ts';

const body = { isRepeatable: true } as OutgoingBody;
const clock = { hasTimeFor: () => true } as unknown as ForwardClock;

interface Held {
  /** At the upstream that the fallback stands in for. */
  places: number;
  requests: number;
  grants: number;
  permits: number;
}

const answers = fc.record({
  isAllowed: fc.infiniteStream(fc.boolean()),
  isGranted: fc.infiniteStream(fc.boolean()),
  isLater: fc.infiniteStream(fc.boolean()),
});
const steps = fc.array(fc.constantFrom('try', 'fail', 'fall back', 'end'), { maxLength: 30 });

test('every permit is recorded, every grant given back, and every request ended, exactly once', async () => {
  await fc.assert(
    fc.asyncProperty(answers, steps, fc.boolean(), async (answer, order, hasFallback) => {
      const held: Held = { places: 1, requests: 0, grants: 0, permits: 0 };
      const answerOf = <T>(value: T): T | Promise<T> => (answer.isLater.next().value ? Promise.resolve(value) : value);
      const first = upstream(held, answer, answerOf);
      const x = {
        head: { method: 'GET' },
        upstream: first,
        route: { action: { fallback: hasFallback ? upstream(held, answer, answerOf) : null } },
        place: { leave: () => void held.places-- },
        fallbackFor: '',
        target: {},
      } as unknown as Exchange;
      const course = new Course(x);
      for (const step of order) {
        switch (step) {
          case 'try':
            if (held.permits === 0) await course.allow(0);
            break;
          case 'fail':
            course.tryEnded('reset', 0, true);
            if (course.waitBeforeRetry(failedWithout('reset', true), body, clock, 0) !== null) {
              if (await course.takeGrant(0)) course.retry();
            }
            break;
          case 'fall back':
            course.fallBack(null, body);
            assert.equal(held.places, x.fallbackFor === '' ? 1 : 0);
            break;
          case 'end':
            course.end();
            // What was asked for before comes late, and goes back as well.
            await course.allow(0);
            course.end();
            assert.deepEqual({ ...held, places: 0 }, { places: 0, requests: 0, grants: 0, permits: 0 });
            return;
        }
        assert.ok(held.requests === 1 && held.grants <= 1 && held.permits <= 1, JSON.stringify(held));
      }
      course.end();
      assert.deepEqual({ ...held, places: 0 }, { places: 0, requests: 0, grants: 0, permits: 0 });
    }),
  );
});

function upstream(
  held: Held,
  answer: { readonly isAllowed: fc.Stream<boolean>; readonly isGranted: fc.Stream<boolean> },
  answerOf: <T>(value: T) => T | Promise<T>,
): Upstream {
  const take = <T>(kind: 'grants' | 'permits', isGiven: boolean, value: T): T | null => {
    if (isGiven) held[kind]++;
    return isGiven ? value : null;
  };
  return {
    name: 'a',
    retry: {
      attempts: 3,
      onReset: true,
      methods: new Set(['GET']),
      backoff: { baseMs: 1, maxMs: 1 },
      statuses: new Set(),
    },
    budget: {
      begin: () => void held.requests++,
      end: () => void held.requests--,
      take: () => answerOf(take('grants', answer.isGranted.next().value === true, 'share')),
      giveBack: () => void held.grants--,
    },
    breaker: {
      allow: () => answerOf(take('permits', answer.isAllowed.next().value === true, 'counted')),
      record: () => void held.permits--,
      isOpen: () => false,
    },
  } as unknown as Upstream;
}
