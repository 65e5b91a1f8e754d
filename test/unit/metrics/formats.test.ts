/** Which format of the exposition text somebody gets, by what Accept says. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseFormat } from '../../../src/metrics/formats.ts';

const named = 'application/openmetrics-text';

test('OpenMetrics is for those who name it and like it at least as well as text', () => {
  for (const accept of [
    named,
    `${named};version=1.0.0,${named};version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1`,
    `${named};version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=1.0.0;q=0.5,*/*;q=0.2`,
    `text/plain, ${named}`,
    `Application/OpenMetrics-Text; Version="1.0.0"; Q=0.5, */*;q=0.1`,
    `${named};q=0.5, text/plain;q=0`,
    `${named};q=0.4, text/*;q=0.3, */*;q=1`,
    `${named};charset=utf-8`,
  ]) {
    assert.equal(chooseFormat(accept), 'openmetrics', accept);
  }
});

test('everybody else gets text, also who accepts neither', () => {
  for (const accept of [
    '',
    '*/*',
    'text/plain;version=0.0.4',
    'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
    'application/json',
    `${named};q=0`,
    `${named};q=0.3, text/plain;q=0.5`,
    `${named};q=0.3, text/*;q=0.5`,
    `${named};q=0.3, */*`,
    `${named};version=0.0.1`,
    `${named};version=2.0.0, text/plain;q=0.1`,
    `x${named}`,
    ',;=,;q=,',
  ]) {
    assert.equal(chooseFormat(accept), 'text', accept);
  }
});

test('a quality that is no number is as if it had not been said', () => {
  assert.equal(chooseFormat(`${named};q=high`), 'openmetrics');
  assert.equal(chooseFormat(`${named};q=0.5, text/plain;q=-1`), 'text');
});
