/** The table of the gateway's own lines holds what the code writes, all of it, and nothing else. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { findGatewayLine, type GatewayLine, gatewayLines } from '../../../src/log/gateway-lines.ts';

const root = join(import.meta.dirname, '../../..');
const sources = globSync(['src/**/*.ts', 'supervisor/**/*.ts', 'workers/**/*.ts'], { cwd: root })
  .filter((file) => !file.endsWith('gateway-lines.ts'))
  .map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') }));

/** Sentences that are no literals where they are logged. */
const elsewhere = ['awayMessages[onError]', 'formatProblem(warning)', 'line', 'message'];

interface Call {
  readonly file: string;
  readonly level: GatewayLine['level'];
  readonly sentence: string;
}

function findCalls(): Call[] {
  return sources.flatMap(({ file, text }) =>
    [...text.matchAll(/\b(?:log|logger|#log|out)\??\.(debug|info|warn|error|fatal)\(/g)].map((match) => ({
      file,
      level: match[1] as GatewayLine['level'],
      sentence: secondArgument(text, match.index + match[0].length),
    })),
  );
}

/** As the source has it, of a call whose arguments begin here. */
function secondArgument(text: string, from: number): string {
  let depth = 0;
  let comma = -1;
  for (let i = from; ; i++) {
    const character = text.charAt(i);
    if (character === "'" || character === '`') i = endOfText(text, i);
    else if ('([{'.includes(character)) depth++;
    else if (depth === 0 && character === ',' && comma < 0) comma = i + 1;
    else if (')]}'.includes(character) && --depth < 0) return text.slice(comma, i).trim().replace(/,$/, '');
  }
}

function endOfText(text: string, from: number): number {
  let i = from + 1;
  while (text.charAt(i) !== text.charAt(from)) i += text.charAt(i) === '\\' ? 2 : 1;
  return i;
}

/** Every text that may come of it; with "…" for what is put in. */
function textsOf(sentence: string): string[] {
  const literals = sentence.match(/'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`/g) ?? [];
  const texts = literals.map((text) => text.slice(1, -1).replaceAll(/\$\{[^}]*\}/g, '…'));
  if (texts.length === 1) return texts;
  // In a condition, words are also compared with.
  return /['`]\s*\+/.test(sentence) ? [texts.join('')] : texts.filter((text) => text.includes(' '));
}

test('every sentence in the code is in the table, with its level', () => {
  const calls = findCalls();
  assert.ok(calls.length > 40, `${calls.length} calls`);
  for (const { file, level, sentence } of calls) {
    const texts = textsOf(sentence);
    assert.ok(texts.length > 0 || elsewhere.includes(sentence), `${file}: log.${level}(…, ${sentence})`);
    for (const text of texts) {
      const known = findGatewayLine(level, text);
      assert.ok(known !== null, `${file}: ${level} "${text}" is missing in src/log/gateway-lines.ts`);
    }
  }
});

test('every sentence in the table is in the code', () => {
  const code = sources.map(({ text }) => text).join('\n');
  for (const { msg } of gatewayLines) {
    if (msg.startsWith('….yml')) continue;
    for (const piece of msg.split('…')) assert.ok(code.includes(piece), `"${piece}" of "${msg}"`);
  }
});

test('no two entries are for the same line', () => {
  for (const { level, msg } of gatewayLines) {
    if (!msg.includes('…')) assert.equal(findGatewayLine(level, msg)?.msg, msg);
  }
  assert.equal(new Set(gatewayLines.map(({ level, msg }) => `${level} ${msg}`)).size, gatewayLines.length);
});
