/** The adaptive limit against upstreams on a virtual clock: it finds what they can take, and keeps their latency. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Priority } from '../../../src/contracts/config.ts';
import { floorLimit, GradientLimit } from '../../../src/overload/gradient.ts';
import { between, latencyOf, medianLatency, run } from './simulated-upstream.ts';

const places = fc.integer({ min: 4, max: 40 });
const serviceMs = fc.integer({ min: 20, max: 300 });
const overload = fc.double({ min: 1.5, max: 6, noNaN: true });
const random = () => 0.5;

test('whatever the upstream can take is found: it stays busy, and its queue stays short', () => {
  fc.assert(
    fc.property(places, serviceMs, overload, (count, ms, times) => {
      const capacity = (count * 1000) / ms;
      const limit = new GradientLimit(1000, random);
      const load = { fromMs: 0, toMs: 40_000, perSecond: capacity * times };
      const settled = between(run(limit, { places: count, serviceMs: () => ms }, load).answers, 20_000, 40_000);
      const goodput = settled.length / 20;
      assert.ok(goodput > 0.8 * capacity, `${goodput}/s of ${capacity}/s`);
      const latency = medianLatency(settled);
      assert.ok(latency < 4.5 * ms + 20, `${latency} ms for ${ms} ms`);
    }),
    { numRuns: 60 },
  );
});

test('an upstream that becomes five times slower keeps a short queue, and is used in full within 5 s of its recovery', () => {
  fc.assert(
    fc.property(places, fc.integer({ min: 20, max: 60 }), (count, ms) => {
      const limit = new GradientLimit(1000, random);
      const capacity = (count * 1000) / ms;
      const slow = (now: number): number => (now >= 20_000 && now < 50_000 ? 5 * ms : ms);
      const load = { fromMs: 0, toMs: 65_000, perSecond: capacity * 2 };
      const { answers } = run(limit, { places: count, serviceMs: slow }, load);
      const whileSlow = medianLatency(between(answers, 35_000, 50_000));
      assert.ok(whileSlow < 4 * 5 * ms + 20, `${whileSlow} ms for ${5 * ms} ms`);
      const after = between(answers, 55_000, 65_000);
      assert.ok(after.length / 10 > 0.8 * capacity, `${after.length / 10}/s of ${capacity}/s`);
      assert.ok(medianLatency(after) < 5 * ms + 20, `${medianLatency(after)} ms for ${ms} ms`);
    }),
    { numRuns: 60 },
  );
});

test('at three times the load high routes go on from the first moment: they are served, and not much later', () => {
  fc.assert(
    fc.property(fc.integer({ min: 12, max: 40 }), serviceMs, (count, ms) => {
      const limit = new GradientLimit(1000, random);
      const capacity = (count * 1000) / ms;
      const priority = (n: number): Priority => (n % 10 === 0 ? 'high' : n % 2 === 0 ? 'low' : 'normal');
      const upstream = { places: count, serviceMs: () => ms };
      run(limit, upstream, { fromMs: 0, toMs: 10_000, perSecond: 0.9 * capacity, priority });
      const load = { fromMs: 20_000, toMs: 50_000, perSecond: 3 * capacity, priority };
      const { answers, refused } = run(limit, upstream, load);
      const high = answers.filter((answer) => answer.priority === 'high');
      const turnedAway = refused.filter((one) => one.priority === 'high').length;
      assert.ok(turnedAway <= 0.03 * high.length, `${turnedAway} of ${high.length}`);
      const p99 = latencyOf(between(high, 20_000, 25_000), 0.99);
      assert.ok(p99 < 3 * ms + 20, `${p99} ms for ${ms} ms`);
      assert.ok(answers.length / 30 > 0.9 * capacity, `${answers.length / 30}/s of ${capacity}/s`);
    }),
    { numRuns: 15 },
  );
});

test('the limit stays between floor and ceiling, whatever is sampled', () => {
  const step = fc.record({
    enter: fc.boolean(),
    durationMs: fc.double({ min: 0, max: 1e5, noNaN: true }),
    passMs: fc.integer({ min: 0, max: 2000 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 500 }), fc.integer({ min: 1, max: 300 }), (steps, ceiling) => {
      const limit = new GradientLimit(ceiling, random);
      let now = 0;
      let inFlight = 0;
      for (const { enter, durationMs, passMs } of steps) {
        now += passMs;
        if (enter || inFlight === 0) limit.enter('normal');
        else limit.leave('normal', now);
        inFlight += enter || inFlight === 0 ? 1 : -1;
        limit.answered(durationMs, now);
        assert.ok(limit.limit >= floorLimit && limit.limit <= Math.max(ceiling, floorLimit), String(limit.limit));
      }
    }),
  );
});

test('with less to do than the upstream can take nobody is refused, once half a second has shown what it can take', () => {
  const limit = new GradientLimit(1000, random);
  const { refused, limits } = run(
    limit,
    { places: 40, serviceMs: () => 50 },
    { fromMs: 0, toMs: 60_000, perSecond: 600 },
  );
  assert.ok(
    refused.every(({ at }) => at < 500),
    String(refused.at(-1)?.at),
  );
  // 30 are in flight, or 31: a limit that nobody needs does not grow.
  assert.ok(limits.every(({ limit: at }) => at <= 80));
});

test('one slow answer of ten changes nothing', () => {
  const limit = new GradientLimit(1000, random);
  let sent = 0;
  const { refused } = run(
    limit,
    { places: 1000, serviceMs: () => (sent++ % 10 === 0 ? 2000 : 20) },
    { fromMs: 0, toMs: 30_000, perSecond: 50 },
  );
  assert.deepEqual(refused, []);
});
