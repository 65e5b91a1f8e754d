/** The limits of a config, each as the rule that requests are put to. */
import type { LimitConfig } from '../contracts/config.ts';
import type { LimitKey, LimitRule } from '../contracts/limiter.ts';
import { formatDuration } from '../core/units.ts';

/** Makes the rules of one config. */
export class RuleMaker {
  readonly #ids = new Set<string>();
  readonly #names = new Set<string>();

  global(config: LimitConfig): LimitRule {
    return this.#make(config, 'global', 'global');
  }

  /** Letters beyond ASCII may stand in the path of an entry, but not in a header field. */
  path(config: LimitConfig & { readonly path: string }): LimitRule {
    const path = config.path.replace(/[^\0-\x7f]+/g, encodeURIComponent);
    const name = unusedOf(path, this.#names);
    this.#names.add(name);
    return this.#make(config, `path ${path}`, name);
  }

  /** `identity`: tells the route apart from all others, also in the next version of the config. */
  route(config: LimitConfig, identity: string): LimitRule {
    return this.#make(config, `route ${identity}`, 'route');
  }

  /** The key comes first in the id: it holds no space, so that ids of different rules differ. */
  #make(config: LimitConfig, place: string, name: string): LimitRule {
    const id = unusedOf(
      `${config.key.toLowerCase()} ${place}`.replaceAll('%', '%25').replaceAll('|', '%7C'),
      this.#ids,
    );
    this.#ids.add(id);
    const { max, windowMs } = config;
    const quoted = `"${name}"`;
    return {
      id,
      name: quoted,
      // Whole seconds, rounded up: who keeps to what is said there keeps to the limit.
      policy: `${quoted};q=${max};w=${Math.ceil(windowMs / 1000)}`,
      max,
      windowMs,
      key: parseKey(config.key),
      isShadow: config.mode === 'shadow',
      detail: config.message ?? `the limit ${quoted} (${max} in ${formatDuration(windowMs)}) is used up`,
    };
  }
}

function parseKey(key: string): LimitKey {
  if (key.startsWith('header:')) return { kind: 'header', field: key.slice('header:'.length).toLowerCase() };
  return { kind: key as Exclude<LimitKey['kind'], 'header'> };
}

/** The same limit twice has two buckets: the second is `… (2)`. */
function unusedOf(text: string, used: ReadonlySet<string>): string {
  let unused = text;
  for (let i = 2; used.has(unused); i++) unused = `${text} (${i})`;
  return unused;
}
