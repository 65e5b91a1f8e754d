/** The list of problems of one file, as it is being made: turns a key's path into its line, and its value into what may be shown. */

import { formatPath, type KeyPath, type Problem } from './problem.ts';
import { describeKind, locate, nodeAt, type Source } from './read.ts';

export interface Detail {
  /** = the value as written in the file. */
  readonly value?: string | null;
  readonly expected?: string | null;
  readonly suggestion?: string | null;
  /** = 'value' */
  readonly at?: 'key' | 'value';
}

/** Nobody reads more, and aliases can repeat one mistake a million times. */
const mostProblems = 10_000;

export class Findings {
  readonly source: Source;
  readonly problems: Problem[] = [];

  constructor(source: Source) {
    this.source = source;
  }

  error(path: KeyPath, message: string, detail: Detail = {}): void {
    this.#add('error', path, message, detail);
  }

  warn(path: KeyPath, message: string, detail: Detail = {}): void {
    this.#add('warning', path, message, detail);
  }

  /** The file holds something at this path, be it right or wrong. */
  has(path: KeyPath): boolean {
    return nodeAt(this.source, path) !== null;
  }

  /** What the file holds at this path, in quotes and without passwords; a reference is shown, not what it gave. */
  show(path: KeyPath): string {
    const node = nodeAt(this.source, path);
    return node === null ? 'nothing' : describeKind(node);
  }

  #add(severity: Problem['severity'], path: KeyPath, message: string, detail: Detail): void {
    if (this.problems.length >= mostProblems) return;
    const { value, expected = null, suggestion = null, at = 'value' } = detail;
    this.problems.push({
      severity,
      file: this.source.file,
      ...locate(this.source, path, at),
      path: formatPath(path),
      value: value === undefined ? this.#written(path) : value,
      message,
      expected,
      ...(suggestion === null ? {} : { suggestion }),
    });
  }

  #written(path: KeyPath): string | null {
    return this.has(path) ? this.show(path) : null;
  }
}
