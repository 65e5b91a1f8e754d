/** What the last reload did. */
import { badge, byId, make } from './dom.js';
import { clockTime } from './text.js';

/** @typedef {import('../../src/contracts/status.ts').LastReload} LastReload */

let shown = '';

/** @param {LastReload | null} reload */
export function showReload(reload) {
  const key = JSON.stringify(reload);
  if (key === shown) return;
  shown = key;
  const body = byId('reload-body');
  if (reload === null) {
    body.replaceChildren(make('p', 'quiet', 'The config is the one that the gateway was started with.'));
    return;
  }
  const { result, at, version, changes, needsRestart, problems } = reload;
  const first = make('p', '', null, badge(result, result === 'accepted' ? 'good' : 'bad'));
  const what = result === 'accepted' ? `version ${version} is in force` : `version ${version} stays in force`;
  first.append(` ${clockTime(at)} · ${what}`);
  body.replaceChildren(first);
  if (result === 'accepted' && changes.length === 0) body.append(make('p', 'quiet', 'Nothing was different.'));
  if (changes.length > 0) body.append(list(changes.map((line) => [kindOf(line), line])));
  if (problems.length > 0) body.append(list(problems.map((line) => ['problem', line])));
  if (needsRestart.length > 0)
    body.append(make('p', '', `These keep the value of the start until a restart: ${needsRestart.join(', ')}`));
}

/** @param {readonly (readonly string[])[]} lines */
function list(lines) {
  const items = lines.map(([kind = '', line = '']) => make('li', kind, `${marks[kind] ?? '~'} ${line}`));
  const all = make('ul', 'diff', null, ...items);
  all.tabIndex = 0;
  return all;
}

/** @type {Readonly<Record<string, string>>} */
const marks = { added: '+', removed: '−', problem: '!' };

/** @param {string} line */
function kindOf(line) {
  if (line.endsWith(' added')) return 'added';
  return line.endsWith(' removed') ? 'removed' : 'changed';
}
