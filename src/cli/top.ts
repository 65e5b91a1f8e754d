/** `sluice top`: what a running gateway does, in the terminal, as its admin listener tells it. Once, or anew each second. */
import { print } from './print.ts';
import { readTopArguments, type TopOptions, UsageProblem } from './top/arguments.ts';
import { renderReport } from './top/report.ts';
import { askStatus } from './top/status-client.ts';
import { watch } from './top/watch.ts';

/** `argv`: what follows the command's name. Answers the exit code: 0, or 1 when there was nothing to show. */
export async function runTop(argv: readonly string[]): Promise<number> {
  try {
    const options = readTopArguments(argv, process.env);
    return options.once ? await showOnce(options) : await showLive(options);
  } catch (error) {
    if (error instanceof UsageProblem) return complain(error.message);
    throw error;
  }
}

async function showOnce(options: TopOptions): Promise<number> {
  const answer = await askStatus(options.source, AbortSignal.timeout(5000));
  if (answer.kind !== 'status') return complain(answer.why);
  await print(`${renderReport(answer.status, { sort: options.sort, colours: hasColours(), size: null }).join('\n')}\n`);
  return 0;
}

async function showLive(options: TopOptions): Promise<number> {
  if (!process.stdout.isTTY || !process.stdin.isTTY)
    return complain('this is no terminal; "sluice top --once" prints plain text');
  const problem = await watch(options, { input: process.stdin, output: process.stdout, colours: hasColours() });
  return problem === null ? 0 : complain(problem);
}

/** https://no-color.org */
function hasColours(): boolean {
  return process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === '' && process.env['TERM'] !== 'dumb';
}

function complain(message: string): number {
  process.stderr.write(`sluice top: ${message}\n`);
  return 1;
}
