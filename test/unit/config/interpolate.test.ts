/** References to the environment and to files. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { interpolate } from '../../../src/config/interpolate.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-interpolate-'));
after(() => rmSync(folder, { recursive: true }));

function fill(text: string, env: Record<string, string> = {}): string {
  const found = interpolate(text, env, { folder, reads: new Set() });
  assert.ok(found.ok, found.ok ? '' : found.message);
  return found.text;
}

function failure(text: string, env: Record<string, string> = {}): string {
  const found = interpolate(text, env, { folder, reads: new Set() });
  assert.ok(!found.ok);
  return found.message;
}

test('a variable stands for its value, also in the middle of a text and more than once', () => {
  assert.equal(fill('${A}', { A: '1' }), '1');
  assert.equal(fill('http://${HOST}:${PORT}/', { HOST: 'a', PORT: '1' }), 'http://a:1/');
  assert.equal(fill('${A}${A}', { A: 'x' }), 'xx');
});

test('a default stands in for a variable that is unset or empty', () => {
  assert.equal(fill('${A:-3000}'), '3000');
  assert.equal(fill('${A:-3000}', { A: '' }), '3000');
  assert.equal(fill('${A:-3000}', { A: '1' }), '1');
  assert.equal(fill('${A:-}'), '');
  assert.equal(fill('${A:-a:-b}'), 'a:-b');
});

test('an empty variable without a default is empty, an unset one a failure that names it', () => {
  assert.equal(fill('${A}', { A: '' }), '');
  assert.match(failure('${A}'), /\bA is not set/);
  assert.match(failure('${constructor}'), /constructor is not set/);
});

test('a file stands for its content without white space around it, from the folder of the config', () => {
  writeFileSync(join(folder, 'secret'), '  abc\n\n');
  assert.equal(fill('${file:secret}'), 'abc');
  assert.equal(fill(`\${file:${folder}/secret}`), 'abc');
  assert.match(failure('${file:none}'), /none" can't be read: there is no such file/);
  assert.match(failure('${file:}'), /names no file/);
  writeFileSync(join(folder, 'binary'), Buffer.from([0xff, 0xfe, 0x00]));
  assert.match(failure('${file:binary}'), /not UTF-8/);
});

test('what comes in is not searched for further references', () => {
  assert.equal(fill('${A}', { A: '${B}', B: 'no' }), '${B}');
  writeFileSync(join(folder, 'nested'), '${B}');
  assert.equal(fill('${file:nested}'), '${B}');
});

test('two dollars and a brace are the brace itself', () => {
  assert.equal(fill('$${A}', { A: 'no' }), '${A}');
  assert.equal(fill('$$${A}', { A: 'no' }), '$${A}');
  assert.equal(fill('$$ $A $'), '$$ $A $');
});

test('an opening that begins no reference is a failure', () => {
  for (const text of ['${', '${A', '${}', '${1A}', '${A-B}', '${A:3}', '${ A }'])
    assert.match(failure(text), /does not open/, text);
});

test('only what came from outside counts as substituted', () => {
  const plain = interpolate('$${A}', {}, { folder, reads: new Set() });
  const filled = interpolate('${A:-1}', {}, { folder, reads: new Set() });
  assert.ok(plain.ok && !plain.substituted);
  assert.ok(filled.ok && filled.substituted);
});

test('a text without "${" is never changed, and no text at all makes it throw', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      fc.pre(!text.includes('${'));
      assert.equal(fill(text), text);
    }),
  );
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('$', '{', '}', ':-', 'A', 'file:', ' ', '$${', '${'), { maxLength: 12 }),
      (parts) => {
        interpolate(parts.join(''), { A: '1' }, { folder, reads: new Set() });
      },
    ),
  );
});
