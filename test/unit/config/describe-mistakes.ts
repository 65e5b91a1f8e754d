/** A test for each entry of a table: a config with mistakes, and the lines that must be printed about it, no more and no less. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type JudgeOptions, judge } from './judge.ts';

export interface Mistake {
  readonly title: string;
  readonly config: string;
  readonly options?: JudgeOptions;
  readonly lines: readonly string[];
}

export function describeMistakes(mistakes: readonly Mistake[]): void {
  for (const { title, config, options = {}, lines } of mistakes) {
    test(title, () => {
      const found = judge(config, options);
      assert.deepEqual(found, lines);
      assert.doesNotMatch(found.join('\n'), /s3cret/, 'a secret is shown');
    });
  }
}
