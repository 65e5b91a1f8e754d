/** The page: asks for the status each second while somebody looks, and puts it in its places. */
import { createChart } from './chart.js';
import { beginSearch, followConfig, forgetConfig } from './config.js';
import { byId, make, say } from './dom.js';
import { showReload } from './reload.js';
import { ask, dropToken, hasToken, keepToken, TokenWanted } from './session.js';
import { limitsTable, refusalsTable, routesTable, upstreamsTable, workersTable } from './tables.js';
import { clockTime, count, duration, milliseconds, percent, rate } from './text.js';
import { followTargets, withReports } from './upstreams.js';

/** @typedef {import('../../src/contracts/status.ts').Status} Status */
/** @typedef {import('../../src/contracts/status.ts').GatewayStatus} GatewayStatus */

const charts = [
  createChart({
    title: 'Requests per second',
    lines: [{ key: 'rate', label: 'all', ink: 1, area: true }],
    show: (value) => rate(value ?? 0),
    least: 1,
  }),
  createChart({
    title: 'Latency, ms',
    lines: [
      { key: 'p50', label: 'p50', ink: 1 },
      { key: 'p95', label: 'p95', ink: 2 },
      { key: 'p99', label: 'p99', ink: 4 },
    ],
    show: milliseconds,
    least: 1,
  }),
  createChart({
    title: 'Errors per second',
    lines: [
      { key: 'refused', label: 'refused', ink: 4 },
      { key: 'errors', label: '5xx', ink: 3, area: true },
    ],
    show: (value) => rate(value ?? 0),
    least: 1,
  }),
];
const tables = {
  routes: routesTable(),
  upstreams: upstreamsTable(),
  limits: limitsTable(),
  refusals: refusalsTable(),
  workers: workersTable(),
};
byId('charts').append(...charts.map(({ element }) => element));
byId('tables').append(...Object.values(tables).map(({ element }) => element));
beginSearch();

/** Of the process that was seen last: another one has another config. */
let startedAt = '';
/** When the gateway stopped answering. @type {Date | null} */
let lostAt = null;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

byId('login').addEventListener('submit', (event) => {
  event.preventDefault();
  const field = /** @type {HTMLInputElement} */ (byId('token'));
  keepToken(field.value);
  field.value = '';
  void look();
});
// Nobody looks at a hidden page.
document.addEventListener('visibilitychange', () => void look());
void look();

async function look() {
  clearTimeout(timer);
  if (document.hidden) return;
  try {
    const status = /** @type {Status} */ (await ask('/status'));
    if (status.gateway.startedAt !== startedAt) forgetConfig();
    startedAt = status.gateway.startedAt;
    // Workers may take their time: what they tell is shown with the next look.
    void followTargets().catch(() => {});
    show(status);
    await followConfig(status.gateway.config.version);
  } catch (error) {
    if (error instanceof TokenWanted) return askForToken();
    miss();
  }
  clearTimeout(timer);
  timer = setTimeout(() => void look(), 1000);
}

/** @param {Status} status */
function show(status) {
  const { gateway, workers, traffic } = status;
  lostAt = null;
  document.body.classList.remove('stale');
  byId('trouble').hidden = true;
  byId('login').hidden = true;
  byId('view').hidden = false;
  showState(gateway);
  showFacts(status);
  showNumbers(status);
  for (const chart of charts) chart.update(traffic.history);
  tables.routes.update(traffic.routes);
  tables.upstreams.update(withReports(traffic.upstreams));
  tables.limits.update(traffic.routes.filter(({ limits }) => limits !== null));
  tables.refusals.update(traffic.refusals);
  tables.workers.update(workers);
  showReload(gateway.lastReload);
}

/** @param {GatewayStatus} gateway */
function showState({ ready, checks }) {
  const state = byId('state');
  const unwell = Object.entries(checks).filter(([, check]) => check !== 'UP');
  const why = unwell.map(([name, check]) => `${name} ${check.toLowerCase()}`).join(', ');
  const word = checks['drain'] === undefined ? 'not ready' : 'draining';
  say(state, ready ? (why === '' ? 'ready' : `ready, ${why}`) : `${word}: ${why}`);
  state.className = `badge ${ready ? (why === '' ? 'good' : 'warn') : 'bad'}`;
}

/** @param {Status} status */
function showFacts({ gateway, workers, traffic }) {
  const up = (Date.parse(gateway.at) - Date.parse(gateway.startedAt)) / 1000;
  const { file, version, takenUpAt } = gateway.config;
  const facts = [
    ['config', `${file} (version ${version}, ${clockTime(takenUpAt)})`],
    ['up', duration(up)],
    ['workers', String(workers.filter(({ state }) => state === 'serving').length)],
    ...(traffic.redis === null ? [] : [['Redis', traffic.redis]]),
    ['sluice', `${gateway.sluice}, node ${gateway.node}`],
  ];
  fillIn(byId('facts'), facts.length, () => make('div', '', null, make('dt'), make('dd')));
  for (const [i, [name = '', value = '']] of facts.entries()) {
    const [dt, dd] = byId('facts').children[i]?.children ?? [];
    if (dt !== undefined) say(dt, name);
    if (dd !== undefined) say(dd, value);
  }
}

/** @param {Status} status */
function showNumbers({ traffic }) {
  const { total, inFlight } = traffic;
  const share = total.rate === 0 ? 0 : total.errors / total.rate;
  const tiles = [
    ['Requests', rate(total.rate), '/s', ''],
    ['p50', milliseconds(total.p50), 'ms', ''],
    ['p95', milliseconds(total.p95), 'ms', ''],
    ['p99', milliseconds(total.p99), 'ms', ''],
    [share === 0 ? '5xx' : `5xx, ${percent(share)}`, rate(total.errors), '/s', total.errors > 0 ? 'bad' : ''],
    ['Refused', rate(total.refused), '/s', total.refused > 0 ? 'warn' : ''],
    ['In flight', count(inFlight), '', ''],
  ];
  const all = byId('numbers');
  fillIn(all, tiles.length, () => {
    const value = make('div', 'value', null, make('span'), make('span', 'unit'));
    return make('div', 'tile', null, make('div', 'quiet'), value);
  });
  for (const [i, [name = '', value = '', unit = '', tone = '']] of tiles.entries()) {
    const tile = all.children[i];
    const [label, line] = tile?.children ?? [];
    const [number, unitOf] = line?.children ?? [];
    if (tile === undefined || label === undefined || number === undefined || unitOf === undefined) continue;
    tile.className = `tile ${tone}`;
    say(label, name);
    say(number, value);
    say(unitOf, unit);
  }
}

/** @param {Element} parent @param {number} children @param {() => Element} makeOne */
function fillIn(parent, children, makeOne) {
  while (parent.children.length < children) parent.append(makeOne());
  while (parent.children.length > children) parent.lastElementChild?.remove();
}

function miss() {
  lostAt ??= new Date();
  document.body.classList.add('stale');
  const trouble = byId('trouble');
  trouble.hidden = false;
  say(trouble, `No answer from the gateway since ${lostAt.toLocaleTimeString()}. Asking again each second.`);
  const state = byId('state');
  say(state, 'no answer');
  state.className = 'badge bad';
}

function askForToken() {
  const wasWrong = hasToken();
  dropToken();
  byId('view').hidden = true;
  byId('trouble').hidden = true;
  byId('facts').replaceChildren();
  byId('login').hidden = false;
  say(byId('login-trouble'), wasWrong ? 'The gateway does not take this token.' : '');
  const state = byId('state');
  say(state, 'locked');
  state.className = 'badge';
  byId('token').focus();
}
