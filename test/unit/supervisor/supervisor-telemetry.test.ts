/** What the supervisor sends to the collector, when its registry answers as a test wants. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigSummary } from '../../../src/config/load.ts';
import { SupervisorTelemetry } from '../../../supervisor/supervisor-telemetry.ts';
import { eventually } from '../../support/deadline.ts';

const nothing = (): void => {};
const log = { debug: nothing, info: nothing, warn: nothing, error: nothing, fatal: nothing, copyTo: nothing };
const otlp = { url: 'http://127.0.0.1:1', metrics: true, logs: false, traces: false, metricsIntervalMs: 1 };

test('a sending that is under way when the gateway ends is not the last one', async () => {
  const answers: ((reason: null) => void)[] = [];
  const send = (): Promise<null> => new Promise((resolve) => answers.push(resolve));
  const telemetry = new SupervisorTelemetry(log, { send });
  await telemetry.follow({ telemetry: { otlp }, proxy: { port: 3000 } } as unknown as ConfigSummary);
  const answer = await eventually(() => answers[0] ?? null, 'the first sending');
  const closed = telemetry.close();
  answer(null);
  const answerLast = await eventually(() => answers[1] ?? null, 'the last sending');
  answerLast(null);
  await closed;
  assert.equal(answers.length, 2);
});
