/** The config in force, and a search that shows the lines that match with those around them. */
import { byId, make, say } from './dom.js';
import { ask } from './session.js';

/** Lines around a match, and matches that are shown. */
const around = 3;
const maxMatches = 200;

/** @type {string[]} */
let lines = [];
let version = 0;

/** Asks for it again only when there is another one. @param {number} inForce */
export async function followConfig(inForce) {
  if (inForce === version) return;
  const answer = /** @type {{ version: number, config: unknown }} */ (await ask('/config'));
  lines = JSON.stringify(answer.config, null, 2).split('\n');
  version = answer.version;
  showConfig();
}

/** What was shown may be another gateway's: after a restart versions begin at 1 again. */
export function forgetConfig() {
  version = 0;
}

export function beginSearch() {
  byId('config-find').addEventListener('input', showConfig);
}

function showConfig() {
  const wanted = /** @type {HTMLInputElement} */ (byId('config-find')).value.trim().toLowerCase();
  const text = byId('config-text');
  if (wanted === '') {
    say(byId('config-found'), '');
    text.replaceChildren(lines.join('\n'));
    return;
  }
  const matching = lines.flatMap((line, i) => (line.toLowerCase().includes(wanted) ? [i] : []));
  const few = matching.length > maxMatches ? `, the first ${maxMatches} are shown` : '';
  say(byId('config-found'), `${matching.length} ${matching.length === 1 ? 'line' : 'lines'}${few}`);
  /** @type {(string | Element)[]} */
  const pieces = [];
  let last = -1;
  for (const i of matching.slice(0, maxMatches)) {
    const from = Math.max(last + 1, i - around);
    if (from > last + 1) pieces.push('⋯\n');
    for (let at = from; at <= Math.min(lines.length - 1, i + around); at++)
      pieces.push(...marked(lines[at] ?? '', wanted), '\n');
    last = Math.max(last, i + around);
  }
  text.replaceChildren(...pieces);
}

/** @param {string} line @param {string} wanted */
function marked(line, wanted) {
  const at = line.toLowerCase().indexOf(wanted);
  if (at === -1) return [line];
  return [line.slice(0, at), make('mark', '', line.slice(at, at + wanted.length)), line.slice(at + wanted.length)];
}
