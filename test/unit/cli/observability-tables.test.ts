/** The documentation says what the code does. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeTables } from '../../../src/cli/observability-tables.ts';
import { upstreamOutcomes } from '../../../src/metrics/outcomes.ts';

const document = readFileSync(join(import.meta.dirname, '../../../docs/observability.md'), 'utf8');

test('docs/observability.md is up to date; `npm run observability` writes it anew', () => {
  assert.equal(document, writeTables(document));
});

test('every outcome of a try is explained', () => {
  for (const outcome of upstreamOutcomes) assert.ok(document.includes(`\`${outcome}\``), outcome);
});
