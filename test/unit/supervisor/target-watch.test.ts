/** The supervisor's view of targets: a rest that is over is told, wherever its end falls between two looks at the clock. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UpstreamConfig } from '../../../src/contracts/config.ts';
import { TargetWatch } from '../../../supervisor/target-watch.ts';
import { eventually } from '../../support/deadline.ts';

const targets = ['http://a', 'http://b'].map((url) => ({ url, weight: 1 }));
const upstream = {
  name: 'api',
  builtin: null,
  targets,
  healthCheck: null,
  outlierDetection: { failures: 1, ejection: { baseMs: 10, maxMs: 10 }, maxEjected: 0.5 },
} as unknown as UpstreamConfig;

/** The clock goes on by one with each reading, from `start`: one of them meets the end of the rest exactly. */
for (const start of [0, 0.5]) {
  test(`an ejection ends when its time is over, the clock beginning at ${start}`, async () => {
    let clock = start;
    const lines: string[] = [];
    const log = (_fields: unknown, message: string): void => void lines.push(message);
    const watch = new TargetWatch({
      log: { debug: log, info: log, warn: log, error: log, fatal: log },
      registry: { set: () => {}, remove: () => {} },
      now: () => clock++,
      onChange: () => {},
    });
    watch.follow([upstream]);
    watch.failing({ upstream: 'api', url: 'http://a' });
    assert.deepEqual(watch.faulty, [{ upstream: 'api', url: 'http://a', fault: 'ejected' }]);
    await eventually(() => (watch.faulty.length === 0 ? true : null), 'the return');
    assert.deepEqual(lines, ['target is ejected: tries keep failing there', 'target is back: it gets requests again']);
  });
}

test('a rest that ends unseen is told with the next news, whichever upstream that is about', () => {
  let now = 0;
  const watch = new TargetWatch({
    log: { debug: ignore, info: ignore, warn: ignore, error: ignore, fatal: ignore },
    registry: { set: ignore, remove: ignore },
    now: () => now,
    onChange: () => told.push(watch.faulty.map(({ url }) => url)),
  });
  const told: string[][] = [];
  const other = { ...upstream, name: 'other', targets: ['http://c', 'http://d'].map((url) => ({ url, weight: 1 })) };
  watch.follow([upstream, other]);
  watch.failing({ upstream: 'api', url: 'http://a' });
  // The timer is due, and a complaint is read before it.
  now = 10;
  watch.failing({ upstream: 'other', url: 'http://c' });
  assert.deepEqual(told, [['http://a'], ['http://c']]);
});

function ignore(): void {}
