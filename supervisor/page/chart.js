/** A small line chart of the last minutes, with the values of now, or of where the pointer is, in its legend. */
import { draw, make, say } from './dom.js';

/** @typedef {import('../../src/contracts/status.ts').History} History */
/** @typedef {import('../../src/contracts/status.ts').HistoryLine} HistoryLine */
/** @typedef {{ key: HistoryLine, label: string, ink: number, area?: boolean }} Line */

const width = 300;
const height = 100;
/** The gateway keeps as many; with fewer, the chart fills from the right. */
const points = 150;

/**
 * @param {{ title: string, lines: readonly Line[], show: (value: number | null) => string, least: number }} options
 * `least`: the scale never ends below it.
 */
export function createChart({ title, lines, show, least }) {
  const svg = draw('svg', { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none', role: 'img' });
  for (const y of [0, height / 2, height])
    svg.append(draw('line', { x1: '0', x2: String(width), y1: String(y), y2: String(y) }));
  const cursor = draw('line', { class: 'cursor', y1: '0', y2: String(height), visibility: 'hidden' });
  const drawn = lines.map(({ ink, area }) => ({
    area: area ? draw('path', { class: `area ink-${ink}` }) : null,
    line: draw('path', { class: `ink-${ink}` }),
  }));
  for (const { area, line } of drawn) svg.append(...(area === null ? [line] : [area, line]));
  svg.append(cursor);
  const values = lines.map(() => make('b'));
  const legend = make('div', 'legend');
  for (const [i, { label, ink }] of lines.entries()) {
    const entry = make('span', `ink-${ink}`, `${label} `);
    entry.append(/** @type {Element} */ (values[i]));
    legend.append(entry);
  }
  const top = make('span', 'scale quiet');
  const middle = make('span', 'scale quiet');
  top.style.top = '0';
  middle.style.top = '50%';
  const past = make('span', 'quiet');
  const now = make('span', 'quiet', 'now');
  const plot = make('div', 'plot');
  plot.append(svg, top, middle);
  const element = make('div', 'card chart');
  const head = make('div', 'head', null, make('h2', '', title), legend);
  element.append(head, plot, make('div', 'axis', null, past, now));

  /** @type {History | null} */
  let history = null;
  /** Of the point under the pointer, counted from the last one; null: the pointer is elsewhere. @type {number | null} */
  let back = null;
  const showValues = () => {
    if (history === null) return;
    const at = history.rate.length - 1 - (back ?? 0);
    for (const [i, { key }] of lines.entries()) say(/** @type {Element} */ (values[i]), show(history[key][at] ?? null));
    const ago = (back ?? 0) * history.secondsPerPoint;
    say(now, ago === 0 ? 'now' : `${ago} s ago`);
    cursor.setAttribute('visibility', back === null ? 'hidden' : 'visible');
    const x = String(width - ((back ?? 0) * width) / (points - 1));
    cursor.setAttribute('x1', x);
    cursor.setAttribute('x2', x);
  };
  plot.addEventListener('pointermove', ({ clientX }) => {
    const box = svg.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (box.right - clientX) / box.width));
    back = Math.min(Math.round(share * (points - 1)), (history?.rate.length ?? 1) - 1);
    showValues();
  });
  plot.addEventListener('pointerleave', () => {
    back = null;
    showValues();
  });

  return {
    element,
    /** @param {History} next */
    update(next) {
      history = next;
      const highest = niceTop(Math.max(least, ...lines.flatMap(({ key }) => next[key].map((value) => value ?? 0))));
      for (const [i, { key }] of lines.entries()) {
        const path = trace(next[key], highest);
        drawn[i]?.line.setAttribute('d', path.line);
        drawn[i]?.area?.setAttribute('d', path.area);
      }
      say(top, show(highest));
      say(middle, show(highest / 2));
      say(past, `${Math.round((points * next.secondsPerPoint) / 60)} min ago`);
      showValues();
      const words = lines.map(({ key, label }) => `${label} ${show(next[key].at(-1) ?? null)}`);
      svg.setAttribute('aria-label', `${title}, now: ${words.join(', ')}`);
    },
  };
}

/** A line with gaps where there is no value, and the areas under it. @param {readonly (number | null)[]} values @param {number} highest */
function trace(values, highest) {
  const step = width / (points - 1);
  const from = points - values.length;
  let line = '';
  let area = '';
  for (const [i, value] of values.entries()) {
    if (value === null) continue;
    const x = ((from + i) * step).toFixed(1);
    const y = (height - (Math.min(value, highest) / highest) * height).toFixed(1);
    const isFirst = i === 0 || values[i - 1] === null;
    const isLast = i === values.length - 1 || values[i + 1] === null;
    line += `${isFirst ? 'M' : 'L'}${x} ${y}`;
    if (isFirst && isLast) line += 'h0.5';
    area += `${isFirst ? `M${x} ${height}L` : 'L'}${x} ${y}${isLast ? `L${x} ${height}Z` : ''}`;
  }
  return { line, area };
}

/** The next of 1, 2, 3, 4, 5, 6, 8, 10, 20 …: a scale that changes seldom. @param {number} value */
function niceTop(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  for (const step of [1, 2, 3, 4, 5, 6, 8]) if (value <= step * power) return step * power;
  return 10 * power;
}
