/** A config text as the resolved config, for tests that need a good one. */
import assert from 'node:assert/strict';
import { type CheckedFile, checkConfig } from '../../../src/config/check.ts';
import { formatProblem } from '../../../src/config/problem.ts';
import { parseConfigText } from '../../../src/config/read.ts';
import { resolveConfig } from '../../../src/config/resolve.ts';
import type { Config } from '../../../src/contracts/config.ts';

export type Env = Readonly<Record<string, string>>;

export function checkText(text: string, env: Env = {}): CheckedFile {
  const read = parseConfigText('config/proxy.yml', text, ['map']);
  assert.ok(read.ok, read.ok ? '' : read.problems.map(formatProblem).join('\n'));
  const { checked, problems } = checkConfig(read.source, env, false);
  assert.ok(checked !== null, problems.map(formatProblem).join('\n'));
  return checked;
}

export function resolveText(text: string, env: Env = {}): Config {
  return resolveConfig(checkText(text, env), env);
}
