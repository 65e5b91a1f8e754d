/** What the command line of `sluice start` and `sluice dev` asks for. */
import { parseArgs } from 'node:util';
import { chooseConfigFile } from '../src/cli/config-file.ts';

export interface StartArguments {
  readonly configFile: string;
  /** Null: as the config says. */
  readonly workers: number | null;
  readonly watch: 'nothing' | 'config' | 'config and code';
}

/** It can't be understood; the message says what can be. */
export class UsageError extends Error {}

const maxWorkers = 1024;

/** Throws a UsageError. `argv`: what follows the command's name. */
export function readStartArguments(
  command: 'start' | 'dev',
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): StartArguments {
  const { config, workers, watch } = parse(command, argv);
  return {
    configFile: chooseConfigFile(config, env),
    workers: workers === undefined ? null : readWorkers(workers),
    watch: command === 'dev' ? 'config and code' : watch ? 'config' : 'nothing',
  };
}

function parse(command: string, argv: readonly string[]): { config?: string; workers?: string; watch: boolean } {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        config: { type: 'string' },
        workers: { type: 'string' },
        watch: { type: 'boolean', default: false },
      },
    });
    return values;
  } catch (error) {
    const what = (error as Error).message.replace(/\. .*/s, '');
    throw new UsageError(`${what}\nusage: sluice ${command} [--config FILE] [--workers N] [--watch]`, { cause: error });
  }
}

function readWorkers(text: string): number {
  const count = /^\d+$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= maxWorkers) return count;
  throw new UsageError(`--workers takes a number from 1 to ${maxWorkers}, got "${text}"`);
}
