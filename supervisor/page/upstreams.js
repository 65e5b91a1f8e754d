/** What the status does not hold of upstreams, since workers have to be asked for it: why a target is out, and what is under way. */
import { ask } from './session.js';

/** @typedef {import('../../src/contracts/status.ts').UpstreamFlow} UpstreamFlow */
/** @typedef {import('../upstream-report.ts').TargetReport} TargetReport */
/** @typedef {import('../upstream-report.ts').UpstreamReport} UpstreamReport */
/** @typedef {UpstreamFlow & { reports: readonly TargetReport[] }} UpstreamRow */

/** In looks, of which there is one a second. */
const every = 5;
let looks = 0;
/** @type {Map<string, readonly TargetReport[]>} */
let known = new Map();

/** With every few looks; what could not be had is had later. */
export async function followTargets() {
  if (looks++ % every !== 0) return;
  const answer = /** @type {{ upstreams: UpstreamReport[] }} */ (await ask('/upstreams'));
  known = new Map(answer.upstreams.map(({ name, targets }) => [name, targets]));
}

/** @param {readonly UpstreamFlow[]} upstreams @returns {UpstreamRow[]} */
export function withReports(upstreams) {
  return upstreams.map((row) => ({ ...row, reports: known.get(row.upstream) ?? [] }));
}
