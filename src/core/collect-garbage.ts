/** V8's collector, called by name: for the few who know better than it when to look for garbage. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as (options: { readonly type: 'minor' | 'major' }) => void;

/** `minor`: what was made a moment ago, in a few milliseconds. `major`: everything, in about a millisecond per MB that lives. */
export function collectGarbage(type: 'minor' | 'major'): void {
  collect({ type });
}
