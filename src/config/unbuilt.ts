/**
 * Policies that a config may ask for and that no code obeys yet. `sluice start` refuses a config with one of them,
 * since a limit or a lock that is ignored is worse than none; `sluice check` warns. Whoever builds a policy deletes
 * its line.
 */
import type { Config } from '../contracts/config.ts';
import { formatPath, type KeyPath, type Problem } from './problem.ts';
import { locate, type Source } from './read.ts';

export function findUnbuilt(config: Config, source: Source, severity: Problem['severity']): Problem[] {
  return findPaths(config).map((path) => ({
    severity,
    file: source.file,
    ...locate(source, path, 'key'),
    path: formatPath(path),
    value: null,
    message: unbuiltMessage,
    expected: null,
  }));
}

type Line = readonly [key: string, asks: (config: Config) => boolean];

const lines: readonly Line[] = [];

function findPaths(config: Config): KeyPath[] {
  return lines.filter(([, asks]) => asks(config)).map(([key]) => key.split('.'));
}

export const unbuiltMessage = 'not built yet in this version; remove it, or wait for the version that obeys it';
