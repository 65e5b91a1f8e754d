/** What a candidate may cost: no more than the largest config that somebody would write. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { checkCandidate } from '../../../src/config/candidate.ts';
import { loadConfig } from '../../../src/config/load.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-candidate-'));
after(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'proxy.yml');
const text = 'routes: [{ path: /x, respond: { status: 204 } }]\n';
writeFileSync(file, text);
const options = { file, env: {}, strict: false };
const loaded = await loadConfig(options);
assert.ok(loaded.ok);
const inForce = loaded.parcel;

for (const [what, many] of [
  ['maps', '{},'.repeat(600_001)],
  ['texts', 'a,'.repeat(1_200_001)],
  ['lines', '\n'.repeat(1_200_001)],
] as const) {
  test(`a candidate of a million ${what} is refused before it is parsed`, async () => {
    const { problems } = await checkCandidate({ text: `routes: [${many}]`, options, inForce });
    assert.deepEqual(
      problems.map(({ file: where, message }) => [where, /more keys and values than are judged here/.test(message)]),
      [['candidate', true]],
    );
  });
}

test('the config in force is a candidate without problems and changes', async () => {
  const { problems, changes } = await checkCandidate({ text, options, inForce });
  assert.deepEqual([problems, changes], [[], []]);
});
