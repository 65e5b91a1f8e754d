/** The threat model's claims: every link leads to a file that exists, and every test that it names is there under that name. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..');
const pages = ['docs/threat-model.md', 'SECURITY.md'];

interface Link {
  readonly text: string;
  /** From the root. */
  readonly file: string;
}

for (const page of pages) {
  test(`every link in ${page} leads to a file`, () => {
    const missing = linksOf(page).filter(({ file }) => !existsSync(join(root, file)));
    assert.deepEqual(missing, []);
  });
}

test('every test that the threat model names is there under that name', () => {
  const named = linksOf('docs/threat-model.md').filter(({ file }) => file.endsWith('.test.ts'));
  assert.ok(named.length > 50, `${named.length} tests`);
  const missing = named.filter(({ text, file }) => !readTexts(file).some((literal) => literal.includes(text)));
  assert.deepEqual(missing, []);
});

test('every threat has a mechanism, and a test or a file that shows it', () => {
  const rows = readFileSync(join(root, 'docs/threat-model.md'), 'utf8')
    .split('\n## ')
    .filter((section) => section.startsWith('Threats'))
    .flatMap((section) => section.split('\n'))
    .filter((line) => line.startsWith('| ') && !line.startsWith('| threat '));
  assert.ok(rows.length > 50, `${rows.length} rows`);
  for (const row of rows) assert.match(row, /^\| [^|]+ \| [^|]+ \| \[[^|]+\]\(\.\.\/[^|]+\) \|$/);
});

/** What stands in quotes in a file: titles of tests, and the entries of the tables that tests are made from. */
function readTexts(file: string): string[] {
  const source = readFileSync(join(root, file), 'utf8');
  return source.match(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g) ?? [];
}

function linksOf(page: string): Link[] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(/\[([^\]]+)\]\(([^)#]+)(?:#[^)]*)?\)/g)]
    .filter(([, , target = '']) => !target.includes('://'))
    .map(([, shown = '', target = '']) => ({
      text: shown,
      file: relative(root, join(root, dirname(page), target)),
    }));
}
