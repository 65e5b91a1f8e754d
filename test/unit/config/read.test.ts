/** Reading never throws, whatever the file holds, and what is wrong with the file itself is told plainly. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { checkConfig } from '../../../src/config/check.ts';
import { formatProblem } from '../../../src/config/problem.ts';
import { parseConfigText, readConfigFile } from '../../../src/config/read.ts';
import { resolveConfig } from '../../../src/config/resolve.ts';
import { fuzzRuns } from '../../support/fuzz.ts';
import { judge } from './judge.ts';

const exampleFolder = join(import.meta.dirname, '../../../config/examples');
const folder = mkdtempSync(join(tmpdir(), 'sluice-read-'));
after(() => rmSync(folder, { recursive: true }));

function complaint(name: string): string {
  const read = readConfigFile(join(folder, name));
  assert.ok(!read.ok);
  return read.problems.map(formatProblem).join('\n').replace(`${folder}/`, '');
}

test('a file that is missing, a folder, or not UTF-8', () => {
  mkdirSync(join(folder, 'sub'));
  writeFileSync(join(folder, 'latin1.yml'), Buffer.from([0x61, 0x3a, 0x20, 0xe9, 0x0a]));
  assert.equal(complaint('none.yml'), "none.yml:1:1 can't be read: there is no such file");
  assert.equal(complaint('sub'), "sub:1:1 can't be read: it is a folder, not a file");
  assert.equal(complaint('latin1.yml'), "latin1.yml:1:1 can't be read: it is not UTF-8 text");
});

test('a byte order mark and Windows line ends do no harm', () => {
  const text = '\uFEFFupstreams: [{ name: a, url: "http://a" }]\r\nroutes:\r\n  - path: /*\r\n    upstream: b\r\n';
  assert.deepEqual(judge(text), [
    'proxy.yml:4:15 routes[0].upstream: "b" is not an upstream; expected the name of an upstream',
  ]);
});

test('aliases in aliases in aliases end in an error, soon', () => {
  const levels = Array.from(
    { length: 40 },
    (_, i) => `  l${i + 1}: &l${i + 1} [${Array.from({ length: 10 }, () => `*l${i}`).join(', ')}]\n`,
  );
  const bomb = `l0: &l0 [x]\n${levels.join('').replace(/^ {2}/gm, '')}`;
  const inside = `routes:\n  - path: /a\n    respond: {}\n    validate:\n      body:\n${bomb.replace(/^/gm, '        ')}`;
  assert.match(judge(inside).join('\n'), /aliases repeat too much of the file/);
});

test('an anchor inside itself ends in an error', () => {
  const text = 'routes:\n  - path: /a\n    respond: {}\n    validate: { body: &x { a: *x } }\n';
  assert.match(judge(text).join('\n'), /nested too deeply/);
});

test('brackets without end are an error', () => {
  assert.match(
    judge(`routes: ${'['.repeat(50_000)}`).join('\n'),
    /^proxy\.yml:1:\d+ is not valid YAML: it is nested too deeply/,
  );
});

test('a key named like a part of every object is just an unknown key', () => {
  for (const key of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    assert.match(judge(`routes: []\n${key}: { port: 1 }\n`).join('\n'), /unknown key/, key);
  }
});

test('no text makes the reader throw', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => void judge(text)));
});

const yamlWords = [
  'a',
  ':',
  ' ',
  '\n',
  '-',
  '- ',
  '  ',
  '{',
  '}',
  '[',
  ']',
  '&x',
  '*x',
  '"',
  "'",
  '|',
  '>',
  '!',
  '#',
  '%',
  '---',
  '?',
  ',',
  'routes',
  'upstreams',
  'path',
  '/*',
  '${A}',
  '\t',
];

/** Configs that are good, to be damaged: every key is there. */
const examples = readdirSync(exampleFolder)
  .filter((name) => name.endsWith('.yml'))
  .map((name) => readFileSync(join(exampleFolder, name), 'utf8'));
const damage = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  remove: fc.integer({ min: 0, max: 30 }),
  insert: fc.oneof(
    fc.constantFrom('', ...yamlWords),
    fc.string({ maxLength: 4 }),
    fc.string({ unit: 'binary', maxLength: 4 }),
  ),
});
const damaged = fc
  .tuple(fc.constantFrom(...examples), fc.array(damage, { minLength: 1, maxLength: 5 }))
  .map(([text, damages]) =>
    damages.reduce((so, { at, remove, insert }) => {
      const index = Math.floor(at * so.length);
      return so.slice(0, index) + insert + so.slice(index + remove);
    }, text),
  );

test('a damaged config is a config, or a list of problems that each stand somewhere in it', () => {
  fc.assert(
    fc.property(damaged, (text) => {
      const read = parseConfigText('proxy.yml', text, ['map']);
      const result = read.ok ? checkConfig(read.source, {}, false) : { problems: read.problems, checked: null };
      const hasError = result.problems.some(({ severity }) => severity === 'error');
      assert.equal(result.checked === null, hasError);
      if (result.checked !== null) resolveConfig(result.checked, {});
      const lines = text.split('\n');
      for (const { file, line, column, message } of result.problems) {
        assert.ok(line >= 1 && line <= lines.length, `${line} of ${lines.length} lines`);
        assert.ok(column >= 1 && column <= (lines[line - 1] ?? '').length + 1, `${line}:${column} ${message}`);
        assert.equal(file, 'proxy.yml');
        assert.notEqual(message, '');
      }
    }),
    fuzzRuns(300),
  );
});

test('no mixture of YAML makes it throw', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...yamlWords), { maxLength: 60 }), (words) => void judge(words.join(''))),
    fuzzRuns(500),
  );
});

const keys = [
  'proxy',
  'security',
  'auth',
  'keys',
  'rateLimit',
  'upstreams',
  'routes',
  'path',
  'name',
  'url',
  'upstream',
  'host',
  'headers',
  'cors',
  'origins',
  'respond',
  'rewrite',
  'stripPrefix',
  'request',
  'set',
  'targets',
  'weight',
  'tls',
  'validate',
  'redis',
];
const anything = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'medium' },
    fc.constantFrom('/a', '/a/*', 'a', 'http://a', '*', '${A}', '10.0.0.0/8', 'required', 5, -1, true, null, 'GET'),
    fc.string(),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...keys), tie('value'), { maxKeys: 5 }),
  ),
})).value;
const document = fc.dictionary(fc.constantFrom(...keys), anything, { minKeys: 1, maxKeys: 6 });

test('no arrangement of known keys makes the checks throw, and every line names its place', () => {
  fc.assert(
    fc.property(document, (value) => {
      for (const line of judge(stringify(value))) assert.match(line, /^proxy\.yml:\d+:\d+ /);
    }),
    fuzzRuns(500),
  );
});
