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
  const known = new Set((inForce === null ? [] : listReferences(inForce)).map(({ identity }) => identity));
  return listReferences(candidate)
    .filter(({ identity }) => !known.has(identity))
    .map(({ path }) => ({
      severity: 'error',
      file: candidate.file,
      ...locate(candidate, path),
      path: formatPath(path),
      value: null,
      message:
        'reads the environment or a file, which a candidate may only where the config in force does the same; run `sluice check` beside the file',
      expected: null,
    }));
}

interface Reference {
  readonly path: KeyPath;
  /** Place, without positions in lists, and text. */
  readonly identity: string;
}

/** Aliases may repeat what they stand for without end; a file that needs more is refused where it is read. */
const mostNodes = 3_000_000;

function listReferences(source: Source): Reference[] {
  const found: Reference[] = [];
  const waiting: { node: Node; path: KeyPath }[] = [{ node: source.root, path: [] }];
  let nodes = 0;
  for (let next = waiting.pop(); next !== undefined && nodes < mostNodes; next = waiting.pop()) {
    nodes++;
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
