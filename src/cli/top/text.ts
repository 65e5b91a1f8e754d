/** Lines of a terminal: columns, colours, and nothing in them that the terminal would obey. */

export type Tone = 'plain' | 'bold' | 'quiet' | 'good' | 'warn' | 'bad';

export interface Piece {
  readonly text: string;
  readonly tone: Tone;
}

const codes: { readonly [T in Tone]: string } = {
  plain: '',
  bold: '1',
  quiet: '2',
  good: '32',
  warn: '33',
  bad: '31',
};

export function piece(text: string, tone: Tone = 'plain'): Piece {
  return { text, tone };
}

/** One line that no terminal obeys. */
export function makeHarmless(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?');
}

/**
 * `columns`: what does not fit is cut. Names come from the config and from the network: a control character in one
 * could move the cursor, or set the title of the window; others would turn the reading direction.
 */
export function renderLine(pieces: readonly Piece[], columns: number, colours: boolean): string {
  let left = columns;
  let line = '';
  for (const { text, tone } of pieces) {
    const characters = Array.from(makeHarmless(text));
    const shown = characters.length > left ? characters.slice(0, Math.max(0, left)).join('') : characters.join('');
    left -= characters.length;
    line += colours && tone !== 'plain' && shown !== '' ? `\x1b[${codes[tone]}m${shown}\x1b[0m` : shown;
  }
  return line.trimEnd();
}

/** The first column is for names, and left; the others are numbers and right. `columns`: the name gives way. */
export function renderTable(
  titles: readonly string[],
  rows: readonly (readonly Piece[])[],
  { columns, colours }: { readonly columns: number; readonly colours: boolean },
): string[] {
  const all = [titles.map((title) => piece(title, 'quiet')), ...rows];
  const widths = titles.map((_, i) => Math.max(...all.map((row) => Array.from(row[i]?.text ?? '').length)));
  const others = widths.slice(1).reduce((sum, width) => sum + width + gap, 0);
  const first = Math.max(leastName, Math.min(widths[0] ?? 0, columns - others));
  return all.map((row) => {
    const cells = row.map(({ text, tone }, i) => {
      if (i === 0) return piece(cut(text, first).padEnd(first), tone);
      return piece(' '.repeat(gap) + text.padStart(widths[i] ?? 0), tone);
    });
    return renderLine(cells, columns, colours);
  });
}

const gap = 2;
const leastName = 8;

function cut(text: string, width: number): string {
  const characters = Array.from(text);
  return characters.length <= width ? text : `${characters.slice(0, width - 1).join('')}…`;
}
