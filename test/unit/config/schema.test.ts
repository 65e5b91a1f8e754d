/** The published schema and its reference are up to date, and agree with what the program itself accepts. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Check } from 'typebox/schema';
import { parse } from 'yaml';
import { formatReference, readIntroduction } from '../../../src/cli/reference.ts';
import { Findings } from '../../../src/config/findings.ts';
import { formatSchema, publishSchema } from '../../../src/config/publish-schema.ts';
import { parseConfigText } from '../../../src/config/read.ts';
import { ConfigFileSchema } from '../../../src/config/schema.ts';
import { readShape } from '../../../src/config/shape.ts';
import { judge } from './judge.ts';

const root = join(import.meta.dirname, '../../..');
const examples = readdirSync(join(root, 'config/examples')).map((name) => `config/examples/${name}`);
const originals = readdirSync(join(root, 'test/fixtures/original')).map((name) => `test/fixtures/original/${name}`);
const files = ['config/proxy.yml', ...examples, ...originals];

test('config/proxy.schema.json is what the source says: else run "npm run schema"', () => {
  assert.equal(readFileSync(join(root, 'config/proxy.schema.json'), 'utf8'), formatSchema());
});

test('docs/configuration.md is what the source says: else run "npm run schema"', () => {
  assert.equal(readFileSync(join(root, 'docs/configuration.md'), 'utf8'), formatReference(readIntroduction()));
});

test('no note of the program is published, and every key is described', () => {
  const text = formatSchema();
  for (const note of ['"leaf"', '"choices"', '"anyShape"', '"expected"']) assert.ok(!text.includes(note), note);
  assert.deepEqual(keysWithoutDescription(publishSchema() as Described, ''), []);
});

for (const file of files) {
  const text = readFileSync(join(root, file), 'utf8');

  test(`${file} has no error`, () => {
    assert.deepEqual(
      judge(text).filter((line) => !line.includes(' warning: ')),
      [],
    );
  });

  test(`an editor finds nothing wrong with ${file}`, () => assert.ok(Check(publishSchema(), parse(text))));
}

test('the examples in docs/configuration.md have no error', () => {
  const blocks = readIntroduction().matchAll(/```yaml\n(.*?)```/gs);
  const configs = [...blocks].map(([, text = '']) => text).filter((text) => text.includes('routes:'));
  assert.equal(configs.length, 2);
  for (const config of configs) assert.deepEqual(judge(config), []);
});

test('every example names the schema in its first line', () => {
  for (const file of ['config/proxy.yml', ...examples]) {
    assert.match(
      readFileSync(join(root, file), 'utf8'),
      /^# yaml-language-server: \$schema=\.\.?\/proxy\.schema\.json\n/,
      file,
    );
  }
});

/** Values for one key each, right and wrong: the schema and the program must say the same of them. */
const values: readonly (readonly [key: string, good: readonly unknown[], bad: readonly unknown[]])[] = [
  ['timeout', [0, 1, '250ms', '1.5s', '${T}', '${T:-30s}'], [-1, 1.5, '30', '', 'soon', true, null, [], {}]],
  ['maxBodySize', [0, '64kb', '10MB', '${S}'], [-1, '10', '10 mb', null, true]],
  ['port', [0, 65535, '${PORT:-3000}'], [-1, 65536, '3000', 1.5, null, 'auto']],
  ['workers', ['auto', 1, '${N}'], [0, 'many', '4', null]],
  ['traceToken', [null, 'x', '${T}'], ['', 5, []]],
  ['trustedProxies', [[], ['10.0.0.0/8']], ['10.0.0.0/8', [5], null, [null]]],
  ['endpoints', [{}, { health: false, metrics: '${M}' }], [{ health: 'no' }, { helth: true }, [], null]],
  ['unknown', [], [1]],
];

test('the published schema and the program agree on single values', () => {
  for (const [key, good, bad] of values) {
    for (const value of good)
      assert.deepEqual(opinions(key, value), ['good', 'good'], `${key}: ${JSON.stringify(value)}`);
    for (const value of bad) assert.deepEqual(opinions(key, value), ['bad', 'bad'], `${key}: ${JSON.stringify(value)}`);
  }
});

function opinions(key: string, value: unknown): string[] {
  const config = { proxy: { [key]: value } };
  return [Check(publishSchema(), config) ? 'good' : 'bad', fitsShape(JSON.stringify(config)) ? 'good' : 'bad'];
}

function fitsShape(text: string): boolean {
  const read = parseConfigText('proxy.yml', text, ['map']);
  assert.ok(read.ok);
  const findings = new Findings(read.source);
  readShape(ConfigFileSchema, findings, { PORT: '1', T: '30s', S: '1kb', N: '2', M: 'true' });
  return findings.problems.length === 0;
}

interface Described {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Described>>;
  readonly anyOf?: readonly Described[];
  readonly items?: Described;
}

function keysWithoutDescription(schema: Described, path: string): string[] {
  const inner = Object.entries(schema.properties ?? {}).flatMap(([key, value]) => [
    ...(value.description === undefined ? [`${path}.${key}`] : []),
    ...keysWithoutDescription(value, `${path}.${key}`),
  ]);
  const others = [...(schema.anyOf ?? []), ...(schema.items === undefined ? [] : [schema.items])];
  return [...inner, ...others.flatMap((value) => keysWithoutDescription(value, path))];
}
