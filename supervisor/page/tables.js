/** The tables of the page: which columns they have, and what stands in them. */
import { badge, make } from './dom.js';
import { createTable } from './table.js';
import { bytes, count, duration, milliseconds, percent, rate } from './text.js';

/** @typedef {import('../../src/contracts/status.ts').RouteFlow} RouteFlow */
/** @typedef {import('./upstreams.js').UpstreamRow} UpstreamRow */
/** @typedef {import('../../src/contracts/status.ts').WorkerStatus} WorkerStatus */
/** @typedef {import('../../src/contracts/status.ts').Refusals} Refusals */
/** @typedef {import('../../src/contracts/status.ts').Latency} Latency */

/** @param {string} text */
const name = (text) => ({ text, sort: text });
/** @param {number} value @param {string} tone */
const perSecond = (value, tone = '') => ({ text: rate(value), sort: value, tone: value === 0 ? 'zero' : tone });
/** @param {number | null} value */
const ms = (value) => ({ text: milliseconds(value), sort: value ?? -1, tone: value === null ? 'zero' : '' });
/** @param {number | null} value @param {(value: number | null) => string} show */
const number = (value, show) => ({ text: value === null ? '–' : show(value), sort: value ?? -1 });

/** @type {readonly import('./table.js').Column<Latency>[]} */
const latencies = [
  { title: 'p50 ms', classes: 'wide', cell: ({ p50 }) => ms(p50) },
  { title: 'p95 ms', cell: ({ p95 }) => ms(p95) },
  { title: 'p99 ms', classes: 'wide', cell: ({ p99 }) => ms(p99) },
];

export const routesTable = () =>
  createTable(
    /** @type {Parameters<typeof createTable<RouteFlow>>[0]} */ ({
      id: 'routes',
      title: 'Routes',
      filter: 'Filter routes',
      empty: 'The config has no routes.',
      sortBy: 1,
      columns: [
        { title: 'Route', cell: ({ route }) => name(route) },
        { title: 'Requests/s', cell: (row) => perSecond(row.rate) },
        ...latencies,
        { title: 'Statuses', hint: '2xx, 3xx, 4xx, 5xx', classes: 'wide words', cell: statusMix },
        { title: '4xx/s', classes: 'wide', cell: ({ statuses }) => perSecond(statuses['4xx'], 'warn') },
        { title: '5xx/s', cell: ({ statuses }) => perSecond(statuses['5xx'], 'bad') },
        { title: 'Sent/s', classes: 'wide', cell: (row) => number(row.bytes, bytes) },
        {
          title: 'Requests',
          hint: 'since the start',
          classes: 'wide',
          cell: ({ requests }) => number(requests, plain),
        },
      ],
    }),
  );

export const upstreamsTable = () =>
  createTable(
    /** @type {Parameters<typeof createTable<UpstreamRow>>[0]} */ ({
      id: 'upstreams',
      title: 'Upstreams',
      empty: 'The config has no upstreams.',
      sortBy: 0,
      columns: [
        { title: 'Upstream', cell: ({ upstream }) => name(upstream) },
        { title: 'Targets', classes: 'words', cell: targets },
        { title: 'Breaker', classes: 'words', cell: breaker },
        { title: 'In flight', classes: 'wide', cell: underWay },
        { title: 'Tries/s', classes: 'wide', cell: (row) => perSecond(row.rate) },
        { title: 'Failed/s', cell: ({ failed }) => perSecond(failed, 'bad') },
        { title: 'Retries/s', classes: 'wide', cell: ({ retries }) => perSecond(retries, 'warn') },
        ...latencies.map((column) => ({ ...column, classes: 'wide' })),
      ],
    }),
  );

export const refusalsTable = () =>
  createTable(
    /** @type {Parameters<typeof createTable<Refusals>>[0]} */ ({
      id: 'refusals',
      title: 'Refusals and failures by code',
      classes: 'half',
      empty: 'Nothing has been refused since the start.',
      sortBy: 1,
      columns: [
        { title: 'Code', cell: ({ code }) => name(code) },
        { title: 'Requests/s', cell: (row) => perSecond(row.rate, 'warn') },
        { title: 'Since the start', cell: ({ requests }) => number(requests, plain) },
      ],
    }),
  );

export const limitsTable = () =>
  createTable(
    /** @type {Parameters<typeof createTable<RouteFlow>>[0]} */ ({
      id: 'limits',
      title: 'Rate limits',
      classes: 'half',
      empty: 'No request has been put to a limit yet.',
      sortBy: 2,
      columns: [
        { title: 'Route', cell: ({ route }) => name(route) },
        { title: 'Admitted/s', cell: ({ limits }) => perSecond(limits?.admitted ?? 0) },
        { title: 'Refused/s', cell: ({ limits }) => perSecond(limits?.refused ?? 0, 'warn') },
        {
          title: 'Shadow/s',
          hint: 'would be refused',
          classes: 'wide',
          cell: ({ limits }) => perSecond(limits?.shadow ?? 0),
        },
        {
          title: 'Without Redis/s',
          hint: 'let pass or refused while Redis was away, as onError says',
          classes: 'wide',
          cell: ({ limits }) => perSecond((limits?.open ?? 0) + (limits?.closed ?? 0), 'warn'),
        },
      ],
    }),
  );

export const workersTable = () =>
  createTable(
    /** @type {Parameters<typeof createTable<WorkerStatus>>[0]} */ ({
      id: 'workers',
      title: 'Workers',
      empty: 'There is no worker.',
      sortBy: 0,
      columns: [
        { title: 'Worker', cell: ({ worker }) => name(String(worker)) },
        { title: 'Process', classes: 'wide', cell: ({ pid }) => ({ text: String(pid), sort: pid }) },
        { title: 'State', classes: 'words', cell: workerState },
        {
          title: 'Up',
          classes: 'wide',
          cell: ({ uptimeSeconds }) => ({ text: duration(uptimeSeconds), sort: uptimeSeconds }),
        },
        { title: 'In flight', cell: ({ inFlight }) => number(inFlight, plain) },
        { title: 'Loop delay ms', cell: ({ loopDelayMs }) => ms(loopDelayMs) },
        { title: 'Pressure', hint: 'of what it can bear', classes: 'wide', cell: pressure },
        { title: 'Memory', classes: 'wide', cell: ({ memoryBytes }) => number(memoryBytes, bytes) },
      ],
    }),
  );

/** @param {number | null} value */
function plain(value) {
  return count(value ?? 0);
}

/** @param {RouteFlow} row */
function statusMix({ statuses }) {
  const parts = [statuses['2xx'], statuses['3xx'], statuses['4xx'], statuses['5xx']];
  const words = `2xx ${rate(parts[0] ?? 0)}, 3xx ${rate(parts[1] ?? 0)}, 4xx ${rate(parts[2] ?? 0)}, 5xx ${rate(parts[3] ?? 0)} per second`;
  return {
    key: parts.join(' '),
    sort: parts[0] ?? 0,
    make: () => {
      const bar = make('div', 'mix');
      bar.setAttribute('role', 'img');
      bar.setAttribute('aria-label', words);
      bar.title = words;
      for (const part of parts) {
        const piece = make('i');
        piece.style.flexGrow = String(part);
        bar.append(piece);
      }
      return bar;
    },
  };
}

/** All of few; of many the ones that get no requests. @param {UpstreamRow} row */
function targets(row) {
  const judged = row.targets.map(({ target, healthy }) => ({ target, healthy, fault: faultOf(row, target, healthy) }));
  const used = judged.filter(({ fault }) => fault === '').length;
  const all = judged.length;
  const shown = all <= 4 ? judged : judged.filter(({ fault }) => fault !== '').slice(0, 8);
  const words = shown.map(({ target, fault }) => (fault === '' ? target : `${target}: ${fault}`));
  return {
    key: JSON.stringify([used, all, words]),
    sort: all === 0 ? 1 : used / all,
    make: () => {
      const chips = make('div', 'chips');
      if (all === 0) chips.append(make('span', 'quiet', 'built in'));
      if (shown.length < all) chips.append(badge(`${used} of ${all} in use`, used === all ? 'good' : 'warn'));
      for (const [i, { healthy, fault }] of shown.entries()) {
        const toneOfWell = fault === '' ? 'good' : 'warn';
        chips.append(badge(words[i] ?? '', healthy ? toneOfWell : 'bad'));
      }
      return chips;
    },
  };
}

/** Why it gets no requests; empty: it does. One that an operator has drained is well. @param {UpstreamRow} row @param {string} target @param {boolean} healthy */
function faultOf({ reports }, target, healthy) {
  const report = reports.find((one) => one.target === target);
  if (healthy) return report?.fault === 'drained' ? 'drained' : '';
  return [report?.fault ?? 'out', report?.reason ?? null].filter((word) => word !== null).join(', ');
}

/** Tries under way; nothing while it is not known. @param {UpstreamRow} row */
function underWay({ reports }) {
  const sum = reports.reduce((before, { inFlight }) => before + inFlight, 0);
  return number(reports.length === 0 ? null : sum, plain);
}

const breakerTones = /** @type {const} */ ({ closed: 'good', 'half-open': 'warn', open: 'bad' });

/** @param {UpstreamRow} row */
function breaker(row) {
  const state = row.breaker;
  const element = () => (state === null ? make('span', 'quiet', 'none') : badge(state, breakerTones[state]));
  return { key: String(state), sort: ['open', 'half-open', 'closed'].indexOf(String(state)), make: element };
}

/** @param {WorkerStatus} row */
function workerState({ state }) {
  return { key: state, sort: state, make: () => badge(state, state === 'serving' ? 'good' : 'warn') };
}

/** From 0.8 on requests are shed. @param {WorkerStatus} row */
function pressure({ pressure: share }) {
  const tone = share === null || share < 0.8 ? '' : share < 1 ? 'warn' : 'bad';
  return { text: percent(share), sort: share ?? -1, tone };
}
