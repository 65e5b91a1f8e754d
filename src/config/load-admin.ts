/**
 * Where a config has the admin listener, whatever else is in the file. Who asks a running gateway (`sluice top`) has seldom
 * the secrets that the rest refers to, and asks most of all when a new file has just been refused.
 */
import { isMap, type Node, YAMLMap } from 'yaml';
import type { AdminConfig } from '../contracts/config.ts';
import { checkConfig } from './check.ts';
import type { Environment } from './interpolate.ts';
import { limitProblems, type Problem } from './problem.ts';
import { keyText, readConfigFile, type Source } from './read.ts';
import { resolveConfig } from './resolve.ts';

export type LoadedAdmin =
  | { readonly ok: true; readonly admin: AdminConfig }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** `ignoreToken`: whoever asks has one, and need not be able to read the config's. */
export function loadAdmin(file: string, env: Environment, ignoreToken: boolean): LoadedAdmin {
  const read = readConfigFile(file);
  if (!read.ok) return read;
  const { checked, problems } = checkConfig(onlyAdmin(read.source, ignoreToken), env, false);
  // The warnings would be about all that was left out.
  const errors = problems.filter(({ severity }) => severity === 'error');
  if (checked === null) return { ok: false, problems: limitProblems(errors) };
  return { ok: true, admin: resolveConfig(checked, env).admin };
}

function onlyAdmin(source: Source, ignoreToken: boolean): Source {
  const root = keep(source.root, (key) => key === 'admin');
  const [admin] = root.items;
  if (ignoreToken && isMap(admin?.value)) admin.value = keep(admin.value, (key) => key !== 'token');
  return { ...source, root };
}

function keep(map: Node, isWanted: (key: string | null) => boolean): YAMLMap {
  const kept = new YAMLMap();
  if (isMap(map)) kept.items = map.items.filter((pair) => isWanted(keyText(pair)));
  return kept;
}
