/** The file of keys beside the config: read with it, judged like it, and told by its own name. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { checkConfig } from '../../../src/config/check.ts';
import { formatProblem } from '../../../src/config/problem.ts';
import { readConfigFile } from '../../../src/config/read.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-keys-file-'));
after(() => rmSync(folder, { recursive: true }));
const [inConfig, inFile] = ['ab'.repeat(32), 'cd'.repeat(32)];

function problemsOf(keys: string, auth = ''): string[] {
  const file = join(folder, 'proxy.yml');
  const own = `type: apiKey, secret: s, keys: [{ key: ${inConfig}, name: A }], keysFile: keys.yml${auth}`;
  writeFileSync(file, `security: { auth: { ${own} } }\nroutes: [{ path: /, auth: required, respond: {} }]\n`);
  writeFileSync(join(folder, 'keys.yml'), keys);
  const read = readConfigFile(file);
  assert.ok(read.ok);
  return checkConfig(read.source, {}, false).problems.map((problem) =>
    formatProblem(problem).replaceAll(`${folder}/`, ''),
  );
}

test('a list, alone or under "keys", is good', () => {
  assert.deepEqual(problemsOf(`- { key: ${inFile}, name: B }\n`), []);
  assert.deepEqual(problemsOf(`keys:\n  - { key: ${inFile}, name: B }\n`), []);
  assert.deepEqual(problemsOf('[]\n'), []);
});

test('a key belongs to one client, wherever it stands', () => {
  const text = `- { key: ${inFile}, name: B }\n- { key: ${inConfig.toUpperCase()}, name: B }\n`;
  assert.deepEqual(problemsOf(text), ['keys.yml:2:10 [1].key: is there twice']);
});

test('an empty file may have been cut, so it takes no key away', () => {
  for (const text of ['', '# none yet\n'])
    assert.deepEqual(problemsOf(text), ['keys.yml:1:1 is empty; [] says that there is nothing']);
});

test('what is no digest or no name is told by its line, and never shown', () => {
  const problems = problemsOf('- { key: supers3cret, name: B }\n- { key: x, name: é }\n');
  assert.equal(problems.length, 3);
  assert.match(problems[0] ?? '', /^keys\.yml:1:10 warning: \[0\]\.key: is no hex digest/);
  assert.match(problems.join('\n'), /keys\.yml:2:\d+ \[1\]\.name: "é" can't be sent on/);
  assert.doesNotMatch(problems.join('\n'), /supers3cret/);
});

test('a field that the gateway reads or writes itself can hold no key', () => {
  for (const header of ['Via', 'expect', 'Trailer', 'TE', 'X-Request-Id', 'Content-Length']) {
    assert.match(problemsOf('[]', `, header: ${header}`).join('\n'), /belongs to the connection or to the gateway/);
  }
  for (const header of ['Authorization', 'X-Token', 'apikey'])
    assert.deepEqual(problemsOf('[]', `, header: ${header}`), []);
});
