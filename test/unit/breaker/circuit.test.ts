/** The circuit over a clock of its own: what it must do in every order of events, and the ways through its states. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Circuit } from '../../../src/breaker/circuit.ts';
import { RollingWindow } from '../../../src/breaker/window.ts';

const settings = { failureThreshold: 50, minimumRequests: 10, windowMs: 1_000, openDurationMs: 3_000 };

test('it opens when the share of failed tries is reached, and not before there are enough tries', () => {
  const circuit = new Circuit(settings);
  circuit.record(0, 9, 0);
  assert.equal(circuit.state, 'closed');
  circuit.record(0, 1, 1);
  assert.equal(circuit.state, 'open');
  assert.equal(circuit.openForMs(1), 3_000);
});

test('one failure less than the share leaves it closed', () => {
  const circuit = new Circuit(settings);
  circuit.record(51, 0, 0);
  circuit.record(0, 50, 0);
  assert.equal(circuit.state, 'closed');
  circuit.record(0, 1, 0);
  assert.equal(circuit.state, 'open');
});

test('good tries alone never open it, however bad the past', () => {
  const circuit = new Circuit(settings);
  circuit.record(0, 9, 0);
  circuit.record(1, 0, 0);
  assert.equal(circuit.state, 'closed');
});

test('what is older than the window does not count', () => {
  const circuit = new Circuit(settings);
  circuit.record(0, 9, 0);
  circuit.record(0, 9, 1_001);
  assert.equal(circuit.state, 'closed');
});

test('after its time one probe at a time is let through, and its success closes it with nothing on record', () => {
  const circuit = opened();
  assert.equal(circuit.takeProbe(2_999), false);
  assert.equal(circuit.takeProbe(3_000), true);
  assert.equal(circuit.state, 'half-open');
  assert.equal(circuit.takeProbe(3_001), false);
  circuit.probeEnded('success', 3_002);
  assert.equal(circuit.state, 'closed');
  circuit.record(0, 9, 3_003);
  assert.equal(circuit.state, 'closed');
});

test('a failed probe opens it for as long again', () => {
  const circuit = opened();
  circuit.takeProbe(3_000);
  circuit.probeEnded('failure', 4_000);
  assert.equal(circuit.state, 'open');
  assert.equal(circuit.takeProbe(6_999), false);
  assert.equal(circuit.takeProbe(7_000), true);
});

test('a probe that was given back can be taken again', () => {
  const circuit = opened();
  circuit.takeProbe(3_000);
  circuit.probeEnded('canceled', 3_001);
  assert.equal(circuit.state, 'half-open');
  assert.equal(circuit.takeProbe(3_002), true);
});

test('tries that began before it opened change nothing when they end', () => {
  const circuit = opened();
  circuit.record(1_000, 0, 100);
  circuit.record(0, 1_000, 3_500);
  assert.equal(circuit.state, 'open');
  circuit.takeProbe(3_600);
  circuit.record(0, 1_000, 3_700);
  assert.equal(circuit.state, 'half-open');
});

test('another node opens it, unless enough tries here say otherwise', () => {
  const idle = new Circuit(settings);
  idle.adopt('open', 500, 0);
  assert.deepEqual([idle.state, idle.openForMs(0)], ['open', 500]);
  const busy = new Circuit(settings);
  busy.record(10, 0, 0);
  busy.adopt('open', 500, 1);
  assert.equal(busy.state, 'closed');
});

test('new settings hold from then on, and do not close what is open', () => {
  const circuit = opened();
  circuit.configure({ ...settings, minimumRequests: 1 });
  assert.equal(circuit.state, 'open');
  circuit.takeProbe(3_000);
  circuit.probeEnded('success', 3_000);
  circuit.record(0, 1, 3_001);
  assert.equal(circuit.state, 'open');
});

type Step = {
  readonly afterMs: number;
  readonly what: 'good' | 'failed' | 'take' | 'success' | 'failure' | 'canceled';
};
const step: fc.Arbitrary<Step> = fc.record({
  afterMs: fc.nat(1_500),
  what: fc.constantFrom('good', 'failed', 'failed', 'take', 'success', 'failure', 'canceled'),
});

test('whatever happens: closed above the minimum means below the share, open lasts its time, and there is one probe', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const circuit = new Circuit({ ...settings, minimumRequests: 3 });
      let now = 0;
      let openedAt = 0;
      let probes = 0;
      for (const { afterMs, what } of steps) {
        now += afterMs;
        const before = circuit.state;
        if (what === 'good') circuit.record(1, 0, now);
        else if (what === 'failed') circuit.record(0, 1, now);
        else if (what === 'take') probes += circuit.takeProbe(now) ? 1 : 0;
        else if (probes > 0) {
          circuit.probeEnded(what, now);
          probes--;
        }
        if (circuit.state === 'open' && before !== 'open') openedAt = now;
        if (before === 'open' && circuit.state !== 'open') assert.ok(now - openedAt >= settings.openDurationMs);
        if (before === 'closed' && circuit.state !== 'closed') assert.equal(what, 'failed');
        if (before === 'half-open' && circuit.state === 'closed') assert.equal(what, 'success');
        assert.ok(probes <= 1);
        const { tries, failed } = circuit.counts(now);
        if (circuit.state === 'closed' && what === 'failed' && tries >= 3) assert.ok(failed * 2 < tries);
      }
    }),
  );
});

test('the window holds at least nine tenths of its time, and never more than all of it', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(400), fc.boolean()), { maxLength: 100 }), (tries) => {
      const window = new RollingWindow(1_000);
      const seen: { readonly at: number; readonly good: boolean }[] = [];
      let now = 0;
      for (const [afterMs, good] of tries) {
        now += afterMs;
        seen.push({ at: now, good });
        window.add(good ? 1 : 0, good ? 0 : 1, now);
        const within = (ms: number, kind: boolean) =>
          seen.filter((one) => one.good === kind && now - one.at < ms).length;
        assert.ok(window.good >= within(900, true) && window.good <= within(1_000, true));
        assert.ok(window.failed >= within(900, false) && window.failed <= within(1_000, false));
      }
    }),
  );
});

function opened(): Circuit {
  const circuit = new Circuit(settings);
  circuit.record(0, 10, 0);
  return circuit;
}
