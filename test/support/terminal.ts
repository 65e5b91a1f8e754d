/** A program in a terminal of its own: `script`, which every Debian has, gives it one. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { eventually, within } from './deadline.ts';
import { killGroupAtExit } from './processes.ts';

export interface Terminal {
  /** Everything that the program has written, with ␛ for escape. */
  readonly output: () => string;
  /** Waits for text, past or future. */
  readonly shows: (pattern: RegExp) => Promise<void>;
  readonly press: (keys: string) => void;
  /** Its exit code, when it has ended. */
  readonly ended: () => Promise<number | null>;
}

/** `command`: for the shell. 30 lines of 120 columns. What `stty -a` says after its end comes last in the output. */
export function inTerminal(command: string, env: Readonly<Record<string, string>> = {}): Terminal {
  const line = `stty rows 30 cols 120; ${command}; code=$?; stty -a; exit $code`;
  const child = spawn('script', ['-qfec', line, '/dev/null'], {
    detached: true,
    env: { ...process.env, TERM: 'xterm-256color', ...env },
  });
  killGroupAtExit(child.pid ?? 0);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => (text += piece.replaceAll('\x1b', '␛')));
  const exit = once(child, 'close') as Promise<[number | null]>;
  return {
    output: () => text,
    shows: async (pattern) => {
      const seen = eventually(() => (pattern.test(text) ? true : null), `${pattern} in the terminal`, 40_000);
      await seen.catch((error: Error) => Promise.reject(new Error(`${error.message}:\n${text.slice(-2000)}`)));
    },
    press: (keys) => void child.stdin.write(keys),
    ended: async () => (await within(exit, `${command} to end`))[0],
  };
}
