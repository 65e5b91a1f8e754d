/** `sluice check`: says whether a config file is good, and everything that is wrong with it. Opens no socket. */

import { parseArgs } from 'node:util';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { formatProblem, type Problem } from '../config/problem.ts';
import { chooseConfigFile } from './config-file.ts';
import { print } from './print.ts';

/** `argv`: what follows the command's name. Answers the exit code: 0 when the file has no error, else 1. */
export async function runCheck(argv: readonly string[]): Promise<number> {
  const options = readOptions(argv);
  if (options === null) return 1;
  const { file, strict, json } = options;
  const loaded = await loadConfig({ file, env: process.env, strict });
  const problems = loaded.ok ? loaded.warnings : loaded.problems;
  await print(json ? formatJson(file, loaded, problems) : formatText(file, loaded, problems));
  return loaded.ok ? 0 : 1;
}

const usage = 'usage: sluice check [--config FILE] [--strict] [--json]';

function readOptions(argv: readonly string[]): { file: string; strict: boolean; json: boolean } | null {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        config: { type: 'string' },
        strict: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
    });
    return { file: chooseConfigFile(values.config, process.env), strict: values.strict, json: values.json };
  } catch (error) {
    process.stderr.write(`sluice check: ${(error as Error).message}\n${usage}\n`);
    return null;
  }
}

function formatText(file: string, loaded: LoadedConfig, problems: readonly Problem[]): string {
  const lines = problems.map(formatProblem);
  return `${[...lines, summarize(file, loaded, problems)].join('\n')}\n`;
}

function summarize(file: string, loaded: LoadedConfig, problems: readonly Problem[]): string {
  const warnings = problems.filter(({ severity }) => severity === 'warning').length;
  const warned = warnings === 0 ? '' : `, ${count(warnings, 'warning')}`;
  if (!loaded.ok) return `${file} is not valid: ${count(problems.length - warnings, 'error')}${warned}`;
  const { routes, upstreams } = loaded.summary;
  return `${file} is valid: ${count(routes.length, 'route')}, ${count(upstreams.length, 'upstream')}${warned}`;
}

function formatJson(file: string, loaded: LoadedConfig, problems: readonly Problem[]): string {
  return `${JSON.stringify({ ok: loaded.ok, file, problems }, null, 2)}\n`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
