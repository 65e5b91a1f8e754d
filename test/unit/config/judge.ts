/** A config text judged as `sluice check` judges a file, without a file. */
import { checkConfig } from '../../../src/config/check.ts';
import { formatProblem } from '../../../src/config/problem.ts';
import { parseConfigText } from '../../../src/config/read.ts';

export interface JudgeOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly strict?: boolean;
}

/** The lines that it would print, of a file called proxy.yml. */
export function judge(text: string, { env = {}, strict = false }: JudgeOptions = {}): string[] {
  const read = parseConfigText('proxy.yml', text, ['map']);
  const problems = read.ok ? checkConfig(read.source, env, strict).problems : read.problems;
  return problems.map(formatProblem);
}
