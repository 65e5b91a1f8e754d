/** Ejections and health checks together, on a clock of the test's own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { OutlierDetectionConfig } from '../../../src/contracts/config.ts';
import { type HealthSettings, UpstreamHealth } from '../../../src/health/upstream-health.ts';

const detection: OutlierDetectionConfig = { failures: 5, ejection: { baseMs: 30, maxMs: 100 }, maxEjected: 0.5 };
const check = { path: '/', intervalMs: 1, timeoutMs: 1, healthy: 1, unhealthy: 1 };

function settings(count: number, more: Partial<HealthSettings> = {}): HealthSettings {
  const targets = Array.from({ length: count }, (_, i) => ({ url: `http://${i}`, weight: 1 }));
  return { targets, healthCheck: check, outlierDetection: detection, ...more };
}

function faultsAt(health: UpstreamHealth, now: number): (string | null)[] {
  return [...health.urls].map((url) => health.faultOf(url, now));
}

test('a target that keeps failing rests for the base time, longer each time, up to the most', () => {
  const health = new UpstreamHealth(settings(2));
  const rests: number[] = [];
  let now = 1_000;
  for (let i = 0; i < 5; i++) {
    health.failing('http://0', now);
    const until = health.nextReturn(now);
    assert.equal(health.faultOf('http://0', until - 1), 'ejected');
    assert.equal(health.faultOf('http://0', until), null);
    rests.push(until - now);
    now = until;
  }
  assert.deepEqual(rests, [30, 60, 90, 100, 100]);
});

test('time in service takes back what failures have added', () => {
  const health = new UpstreamHealth(settings(2));
  health.failing('http://0', 0);
  health.failing('http://0', 30);
  // 60 ms of rest, then 30 ms in service: the third rest is as long as the second.
  health.failing('http://0', 90 + 30);
  assert.equal(health.nextReturn(120), 120 + 60);
  health.failing('http://0', 10_000);
  assert.equal(health.nextReturn(10_000), 10_030);
});

test('half of the targets at most are ejected, one always may be, and the last never', () => {
  for (const [count, most] of [
    [1, 0],
    [2, 1],
    [3, 1],
    [4, 2],
    [10, 5],
  ] as const) {
    const health = new UpstreamHealth(settings(count));
    for (const url of health.urls) health.failing(url, 0);
    assert.equal(faultsAt(health, 1).filter((fault) => fault === 'ejected').length, most, `of ${count}`);
  }
});

test('when health checks take the others away, those that were only ejected come back', () => {
  const health = new UpstreamHealth(settings(2));
  health.failing('http://0', 0);
  assert.deepEqual(faultsAt(health, 1), ['ejected', null]);
  health.checked('http://1', false, 1);
  assert.deepEqual(faultsAt(health, 1), [null, 'unhealthy']);
  health.checked('http://0', false, 2);
  assert.equal(health.isUsable(2), false);
});

test('targets of weight 0 count for nothing', () => {
  const targets = [
    { url: 'http://0', weight: 1 },
    { url: 'http://1', weight: 0 },
  ];
  const health = new UpstreamHealth(settings(2, { targets }));
  health.failing('http://0', 0);
  assert.equal(health.faultOf('http://0', 1), null);
  health.checked('http://0', false, 1);
  assert.equal(health.isUsable(1), false);
});

test('a reload keeps what is known of the targets that stay, as far as it is still asked for', () => {
  const health = new UpstreamHealth(settings(4));
  health.failing('http://0', 0);
  health.checked('http://1', false, 0);
  health.follow(settings(5), 1);
  assert.deepEqual(faultsAt(health, 1), ['ejected', 'unhealthy', null, null, null]);
  health.follow(settings(5, { outlierDetection: null }), 2);
  assert.deepEqual(faultsAt(health, 2), [null, 'unhealthy', null, null, null]);
  health.follow(settings(5, { healthCheck: null }), 3);
  assert.deepEqual(faultsAt(health, 3), [null, null, null, null, null]);
});

test('without being asked for, neither failures nor checks count', () => {
  const health = new UpstreamHealth(settings(2, { healthCheck: null, outlierDetection: null }));
  health.failing('http://0', 0);
  health.checked('http://1', false, 0);
  assert.deepEqual(faultsAt(health, 1), [null, null]);
});

test('whatever happens: the share holds, nobody rests too long, and a healthy target is always left to use', () => {
  const event = fc.record({
    kind: fc.constantFrom('failing', 'good', 'bad'),
    target: fc.nat(9),
    waitMs: fc.nat(80),
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10 }), fc.array(event, { maxLength: 80 }), (count, events) => {
      const health = new UpstreamHealth(settings(count));
      const urls = [...health.urls];
      const well = new Set(urls);
      let now = 0;
      for (const { kind, target, waitMs } of events) {
        const url = urls[target % count] as string;
        now += waitMs;
        if (kind === 'failing') health.failing(url, now);
        else {
          health.checked(url, kind === 'good', now);
          if (kind === 'good') well.add(url);
          else well.delete(url);
        }
        const faults = faultsAt(health, now);
        assert.deepEqual(
          urls.filter((each) => health.faultOf(each, now) === 'unhealthy'),
          urls.filter((each) => !well.has(each)),
        );
        assert.ok(faults.filter((fault) => fault === 'ejected').length <= Math.max(1, count / 2));
        assert.equal(health.isUsable(now), well.size > 0);
        assert.ok(faultsAt(health, now + detection.ejection.maxMs).every((fault) => fault !== 'ejected'));
      }
    }),
  );
});

test('a drained target stays so through a reload that keeps it, is no rest for others, and spares no check', () => {
  const health = new UpstreamHealth(settings(2));
  assert.equal(health.isLast('http://0', 0), false);
  health.setDrained('http://0', true, 0);
  assert.equal(health.faultOf('http://0', 0), 'drained');
  assert.equal(health.isLast('http://1', 0), true);
  health.follow(settings(3), 1);
  assert.deepEqual(faultsAt(health, 1), ['drained', null, null]);
  // What is worse is told first, and the drain is still there when that is over.
  health.checked('http://0', false, 2);
  assert.equal(health.faultOf('http://0', 2), 'unhealthy');
  health.checked('http://0', true, 3);
  assert.equal(health.faultOf('http://0', 3), 'drained');
  health.setDrained('http://0', false, 4);
  assert.deepEqual(faultsAt(health, 4), [null, null, null]);
});
