/** A table that sorts by any column, filters by name, and changes each second without losing focus or place. */
import { make, say } from './dom.js';

/**
 * What a cell shows: text, or elements that are made anew when `key` changes. `sort`: by what it is ordered.
 * @typedef {{ text: string, sort: number | string, tone?: string }} Cell
 * @typedef {{ key: string, sort: number | string, make: () => Element }} Drawn
 */
/**
 * @template R
 * @typedef {{ title: string, hint?: string, classes?: string, cell: (row: R) => Cell | Drawn }} Column
 */

/** So many rows are shown until more are asked for: a thousand, drawn each second, tire a phone. */
const fewRows = 50;

/**
 * @template R
 * @param {{ id: string, title: string, columns: readonly Column<R>[], sortBy: number, filter?: string, empty: string, classes?: string }} options
 * The first column names the row. `sortBy`: the column, the highest first. `filter`: what the search field says.
 */
export function createTable({ id, title, columns, sortBy, filter, empty, classes = '' }) {
  /** @type {readonly R[]} */
  let rows = [];
  let sorted = { column: sortBy, descending: sortBy !== 0 };
  let showsAll = false;
  /** @type {Map<string, { row: HTMLTableRowElement, keys: string[] }>} */
  let present = new Map();

  const body = make('tbody');
  const search = make('input');
  const more = make('button', 'more');
  const nothing = make('p', 'empty', empty);
  const amount = make('span', 'quiet');
  const headers = columns.map(({ title: name, hint, classes: ofColumn = '' }, i) => {
    const button = make('button', '', name);
    button.type = 'button';
    if (hint !== undefined) button.title = hint;
    button.addEventListener('click', () => {
      sorted = { column: i, descending: sorted.column === i ? !sorted.descending : i !== 0 };
      update(rows);
    });
    const th = make('th', i === 0 ? 'name' : ofColumn, null, button);
    th.scope = 'col';
    return th;
  });

  const scroll = make('div', 'scroll');
  scroll.tabIndex = 0;
  scroll.setAttribute('role', 'region');
  scroll.setAttribute('aria-label', title);
  const table = make('table', '', null, make('thead', '', null, make('tr', '', null, ...headers)), body);
  table.setAttribute('aria-label', title);
  scroll.append(table);
  const head = make('div', 'head', null, make('h2', '', title), amount);
  if (filter !== undefined) {
    search.type = 'search';
    search.placeholder = filter;
    search.setAttribute('aria-label', filter);
    search.addEventListener('input', () => update(rows));
    head.append(search);
  }
  more.type = 'button';
  more.addEventListener('click', () => {
    showsAll = !showsAll;
    update(rows);
  });
  const element = make('div', `card table ${classes}`, null, head, scroll, nothing, more);
  element.id = id;

  /** @param {readonly R[]} next */
  function update(next) {
    rows = next;
    for (const [i, th] of headers.entries()) {
      if (i === sorted.column) th.setAttribute('aria-sort', sorted.descending ? 'descending' : 'ascending');
      else th.removeAttribute('aria-sort');
    }
    const wanted = search.value.trim().toLowerCase();
    const cells = rows.map((row) => columns.map(({ cell }) => cell(row)));
    const matching = cells.filter(([name]) => String(name?.sort).toLowerCase().includes(wanted));
    matching.sort(compare);
    const shown = showsAll ? matching : matching.slice(0, fewRows);
    place(shown);
    say(amount, rows.length > fewRows || wanted !== '' ? `${matching.length} of ${rows.length}` : '');
    more.hidden = matching.length <= fewRows;
    say(more, showsAll ? `Show the first ${fewRows}` : `Show all ${matching.length}`);
    table.hidden = rows.length === 0;
    nothing.hidden = rows.length > 0;
  }

  /** @param {(Cell | Drawn)[]} one @param {(Cell | Drawn)[]} other */
  function compare(one, other) {
    const order = compareKeys(one[sorted.column]?.sort, other[sorted.column]?.sort) * (sorted.descending ? -1 : 1);
    return order === 0 ? compareKeys(one[0]?.sort, other[0]?.sort) : order;
  }

  /** @param {readonly (Cell | Drawn)[][]} shown */
  function place(shown) {
    /** @type {typeof present} */
    const next = new Map();
    for (const [at, cells] of shown.entries()) {
      let name = String(cells[0]?.sort);
      while (next.has(name)) name += ' ';
      const known = present.get(name) ?? { row: make('tr'), keys: [] };
      fill(known, cells);
      next.set(name, known);
      // Moving a row that is in its place would take the focus from what is in it.
      if (body.rows[at] !== known.row) body.insertBefore(known.row, body.rows[at] ?? null);
    }
    for (const [name, { row }] of present) if (!next.has(name)) row.remove();
    present = next;
  }

  /** @param {{ row: HTMLTableRowElement, keys: string[] }} known @param {readonly (Cell | Drawn)[]} cells */
  function fill({ row, keys }, cells) {
    for (const [i, cell] of cells.entries()) {
      if (row.cells[i] === undefined) {
        const made = make(i === 0 ? 'th' : 'td');
        if (i === 0) made.setAttribute('scope', 'row');
        row.append(made);
      }
      const element = /** @type {HTMLTableCellElement} */ (row.cells[i]);
      const tone = 'tone' in cell ? cell.tone : '';
      const ofColumn = `${i === 0 ? 'name' : (columns[i]?.classes ?? '')} ${tone ?? ''}`.trim();
      if (element.className !== ofColumn) element.className = ofColumn;
      if ('text' in cell) say(element, cell.text);
      else if (keys[i] !== cell.key) element.replaceChildren(cell.make());
      keys[i] = 'text' in cell ? '' : cell.key;
    }
  }

  return { element, update };
}

/** @param {number | string | undefined} one @param {number | string | undefined} other */
function compareKeys(one = '', other = '') {
  if (typeof one === 'number' && typeof other === 'number') return one - other;
  return String(one).localeCompare(String(other), 'en', { numeric: true });
}
