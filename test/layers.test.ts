/** The import rules of the design, read off every import in the source: what a layer must not know, it can't name. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..');

/** What the files of a layer may import of ours, besides the files of their own layer. The first matching line holds. */
const layers: readonly (readonly [file: RegExp, mayImport: RegExp])[] = [
  [/^src\/contracts\//, /^$/],
  [/^src\/core\//, /^src\/contracts\//],
  [/^src\/config\/(compile|check|check-routes|check-validate)\.ts$/, /^src\//],
  [/^src\/pipeline\//, /^src\/(contracts|core|forward|metrics|log)\//],
  // The one list of what runs in threads, and the one caller that has to get there from a feature.
  [/^src\/offload\/(tasks|body-task)\.ts$/, /^src\//],
  [/^src\/config\/load-in-thread\.ts$/, /^src\/(contracts|core|offload)\//],
  [/^src\/cli\//, /^src\//],
  [/^src\//, /^src\/(contracts|core)\//],
  [/^supervisor\//, /^src\//],
  [/^workers\//, /^src\//],
];

/** Where alone a package may be named. Types are free where the second pattern says so. */
const packages: readonly (readonly [name: RegExp, values: RegExp, typesToo: RegExp])[] = [
  [/^node:(http|https|http2)$/, /^(workers\/|supervisor\/admin-server\.ts$)/, /^(workers|supervisor)\//],
  [/^undici$/, /^src\/(upstream|forward)\//, /^src\/contracts\//],
  [/^ioredis$/, /^src\/state\//, /^$/],
  [/^prom-client$/, /^supervisor\//, /^$/],
  [/^node:cluster$/, /^(supervisor|src\/ipc)\//, /^$/],
  [/^yaml$/, /^src\/config\//, /^$/],
  [/^typebox(\/|$)/, /^src\/(config\/|validate\/schema\/formats\.ts$)/, /^$/],
  [/^@opentelemetry\//, /^src\/telemetry\//, /^$/],
  [/^piscina$/, /^(src\/offload|supervisor)\//, /^$/],
];

interface Import {
  readonly from: string;
  readonly what: string;
  readonly isType: boolean;
  /** `import('…')`: when it is needed. */
  readonly isLate: boolean;
}

const files = ['src', 'workers', 'supervisor'].flatMap((folder) => listFiles(folder));
const imports = files.flatMap((file) => readImports(file));

test('the source has been found and its imports have been read', () => {
  assert.ok(files.length > 10, `${files.length} files`);
  assert.ok(imports.length > files.length / 2, `${imports.length} imports`);
});

test('a layer imports only the layers that it may know', () => {
  const broken = imports.filter(({ from, what }) => {
    if (!isOurs(what) || layerOf(from) === layerOf(what)) return false;
    const rule = layers.find(([file]) => file.test(from));
    return rule === undefined || !rule[1].test(what);
  });
  assert.deepEqual(broken.map(show), []);
});

test('each package stays where it belongs', () => {
  const broken = imports.filter(({ from, what, isType }) => {
    const rule = packages.find(([name]) => name.test(what));
    if (rule === undefined) return false;
    const [, values, typesToo] = rule;
    return !(values.test(from) || (isType && typesToo.test(from)));
  });
  assert.deepEqual(broken.map(show), []);
});

test('whoever sends nothing to a collector does not load what is needed for it', () => {
  const early = imports.filter(({ from, what, isType, isLate }) => {
    return what.startsWith('src/telemetry/') && layerOf(from) !== 'src/telemetry' && !isType && !isLate;
  });
  assert.deepEqual(early.map(show), []);
});

test('imports name files that exist, with their ending', () => {
  const broken = imports.filter(({ what }) => isOurs(what) && !(what.endsWith('.ts') && existsSync(join(root, what))));
  assert.deepEqual(broken.map(show), []);
});

test('there are no barrels, default exports, enums or paths with spaces', () => {
  const all = [...files, ...listFiles('test'), ...listFiles('load')];
  const named = all.filter((file) => /(^|\/)index\.ts$|\s/.test(file));
  const exporting = all.filter((file) => /^export (default|\*) |^(export )?(const )?enum /m.test(readSource(file)));
  assert.deepEqual([...named, ...exporting], []);
});

test('every file opens with a sentence that tells what it is', () => {
  const silent = files.filter((file) => !/^(#!.*\n)?\/\*\*[\s*]+\S/.test(readSource(file)));
  assert.deepEqual(silent, []);
});

function listFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((file) => join(folder, file))
    .filter((file) => file.endsWith('.ts'))
    .sort();
}

function readSource(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

/** `import … from`, `export … from`, `import '…'` and `import('…')`; a path of ours is given from the root. */
function readImports(file: string): Import[] {
  const source = readSource(file);
  const statements = source.matchAll(/^(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm);
  const calls = source.matchAll(/\b(import)\(\s*'([^']+)'/g);
  return [...statements, ...calls].map(([, how = '', what = '']) => ({
    from: file,
    what: what.startsWith('.') ? relative(root, resolve(root, dirname(file), what)) : what,
    isType: how.startsWith('type'),
    isLate: how === 'import',
  }));
}

function isOurs(what: string): boolean {
  return /^(src|workers|supervisor|test|load)\//.test(what);
}

function layerOf(file: string): string {
  const [first = '', second = ''] = file.split('/');
  return first === 'src' ? `src/${second}` : first;
}

function show({ from, what }: Import): string {
  return `${from} imports ${what}`;
}
