/** A copy of the program whose code a test may change. */
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

export interface ProgramCopy {
  /** What to start in place of bin/sluice. */
  readonly program: string;
  /** Adds a line to a file of the copy. Returns the function that takes it back. */
  append(file: string, line: string): () => void;
}

/** Gone when the test or the file that made it is over. */
export function copyProgram(): ProgramCopy {
  const root = join(import.meta.dirname, '../..');
  const folder = mkdtempSync(join(tmpdir(), 'sluice-copy-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  for (const part of ['bin', 'src', 'supervisor', 'workers', 'package.json']) {
    cpSync(join(root, part), join(folder, part), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  return {
    program: join(folder, 'bin/sluice'),
    append(file, line) {
      const path = join(folder, file);
      const before = readFileSync(path);
      appendFileSync(path, `\n${line}\n`);
      return () => writeFileSync(path, before);
    },
  };
}
