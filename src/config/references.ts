/**
 * What a config has read from outside of itself: references to the environment and to files, and names of files. A
 * candidate that comes from somebody else, over the admin listener, may read what the config in force reads in the same
 * place, and nothing beyond: else it could have secrets and files of this machine named in an error or a route.
 */
import { isAlias, isMap, isScalar, isSeq, type Node } from 'yaml';
import { formatPath, type KeyPath, type Problem } from './problem.ts';
import { keyText, locate, resolveAlias, type Source } from './read.ts';

/** One problem for each reference in `candidate` that `inForce` (null: nothing) does not have in the same place. */
export function findForeignReferences(candidate: Source, inForce: Source | null): Problem[] {
  const found = listReferences(candidate);
  // What has not been looked at may be anything.
  if (found === null) return [problemAt(candidate, [], 'aliases repeat too much of the file')];
  const known = new Set((inForce === null ? [] : (listReferences(inForce) ?? [])).map(({ identity }) => identity));
  return found.filter(({ identity }) => !known.has(identity)).map(({ path }) => problemAt(candidate, path, isForeign));
}

const isForeign =
  'reads the environment or a file, which a candidate may only where the config in force does the same; run `sluice check` beside the file';

function problemAt(source: Source, path: KeyPath, message: string): Problem {
  const { file } = source;
  const place = locate(source, path);
  return { severity: 'error', file, ...place, path: formatPath(path), value: null, message, expected: null };
}

interface Reference {
  readonly path: KeyPath;
  /** Place, without positions in lists, and text. */
  readonly identity: string;
}

/** Ten times a config of 5,000 full routes: only aliases that repeat aliases get there. */
const mostNodes = 3_000_000;

/** Null: there is too much of it to look at all. */
function listReferences(source: Source): Reference[] | null {
  const found: Reference[] = [];
  const waiting: { node: Node; path: KeyPath }[] = [{ node: source.root, path: [] }];
  let nodes = 0;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    nodes++;
    if (nodes > mostNodes) return null;
    const { path } = next;
    const node = resolveAlias(source, next.node);
    if (isAlias(node)) continue;
    if (isScalar(node) && typeof node.value === 'string' && readsOutside(path, node.value)) {
      const place = path.filter((step) => typeof step === 'string');
      found.push({ path, identity: JSON.stringify([...place, node.value]) });
    }
    if (isSeq(node))
      for (const [i, item] of node.items.entries()) waiting.push({ node: item as Node, path: [...path, i] });
    if (isMap(node)) {
      for (const pair of node.items) {
        const key = keyText(pair);
        if (key !== null && pair.value !== null) waiting.push({ node: pair.value as Node, path: [...path, key] });
      }
    }
  }
  return found;
}

function readsOutside(path: KeyPath, text: string): boolean {
  return text.includes('${') || namesFile(path);
}

const fileKeys: ReadonlySet<string> = new Set(['keysFile', 'ca', 'clientCa', 'cert', 'key']);
const schemaParts: ReadonlySet<string> = new Set(['headers', 'query', 'body']);

/** A text in the place of a JSON Schema is the name of a file. Keys of clients, and limits, are a `key` as well. */
function namesFile(path: KeyPath): boolean {
  const key = path.at(-1);
  const above = path.filter((step) => typeof step === 'string').at(-2);
  if (typeof key !== 'string') return false;
  if (above === 'validate') return schemaParts.has(key);
  return fileKeys.has(key) && above !== 'keys' && above !== 'rateLimit' && above !== 'perRoute' && above !== 'global';
}
