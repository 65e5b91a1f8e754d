/** POST /reload and POST /config/check: a config taken up, or only judged, with all that there is to say about it. */
import type { Problem } from '../../src/config/problem.ts';
import { formatProblem } from '../../src/config/problem.ts';
import type { ReloadReport } from '../reload-report.ts';
import { type AdminAnswer, AdminError, type Endpoint, json } from './endpoint.ts';

/** What a candidate would bring; `needsRestart` as in ReloadReport. */
export interface CheckReport {
  readonly problems: readonly Problem[];
  readonly changes: readonly string[];
  readonly needsRestart: readonly string[];
}

export interface ReloadGateway {
  /** Takes up the config file as it is now. Shared by those who ask meanwhile. */
  readonly reload: () => Promise<ReloadReport>;
  readonly checkCandidate: (text: string) => Promise<CheckReport>;
}

/** 5,000 routes with all that a route can have are some 4 MB. */
const maxCandidateBytes = 8 * 1024 * 1024;
/** Each is in memory, and takes a thread for up to a second or two, of which there are two, and reloads need one. */
const maxCandidates = 5;

export function reloadEndpoints({ reload, checkCandidate }: ReloadGateway): readonly Endpoint[] {
  const inTurn = oneAtATime();
  return [
    { method: 'POST', path: '/reload', for: 'operators', answer: async () => tellReload(await reload()) },
    {
      method: 'POST',
      path: '/config/check',
      changesNothing: true,
      for: 'operators',
      maxBodyBytes: maxCandidateBytes,
      maxAtOnce: maxCandidates,
      answer: ({ body }) => inTurn(async () => tellCheck(await checkCandidate(readText(body)))),
    },
  ];
}

function tellReload(report: ReloadReport): AdminAnswer {
  switch (report.result) {
    case 'accepted':
      return json({ ...report, warnings: report.warnings.map(showProblem) });
    case 'rejected':
      throw rejected(report.reason ?? 'every worker keeps the config that it has', report.problems);
    case 'stopped':
      throw new AdminError({
        status: 503,
        code: 'draining',
        detail: 'the gateway is shutting down: nothing has changed',
        headers: ['Retry-After', '1'],
      });
  }
}

function tellCheck({ problems, changes, needsRestart }: CheckReport): AdminAnswer {
  if (problems.some(({ severity }) => severity === 'error'))
    throw rejected('a reload with this config would be rejected', problems);
  return json({ result: 'valid', changes, needsRestart, warnings: problems.map(showProblem) });
}

function rejected(detail: string, problems: readonly Problem[]): AdminError {
  return new AdminError({ status: 422, code: 'config_rejected', detail, errors: problems.map(showProblem) });
}

/** For programs by part, and for people as `sluice check` prints it. */
function showProblem(problem: Problem): object {
  return { ...problem, text: formatProblem(problem) };
}

function readText(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    throw new AdminError({ status: 400, code: 'bad_request', detail: 'the body is not UTF-8 text' });
  }
}

type InTurn = <T>(run: () => Promise<T>) => Promise<T>;

/** One after the other, which leaves a thread to others. */
function oneAtATime(): InTurn {
  let last: Promise<unknown> = Promise.resolve();
  return (run) => {
    const turn = last.then(run);
    last = turn.catch(() => {});
    return turn;
  };
}
