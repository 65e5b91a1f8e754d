/** Judges the text of a config that is only a proposal: what `reload` would say of it, without touching anything. For a thread. */
import type { Config } from '../contracts/config.ts';
import type { ConfigParcel } from '../contracts/ipc.ts';
import { describeChanges } from './describe.ts';
import { judgeSource, type LoadOptions } from './load.ts';
import { unpackConfig } from './parcel.ts';
import { formatPath, limitProblems, type Problem } from './problem.ts';
import { parseConfigText, readConfigFile } from './read.ts';
import { findForeignReferences } from './references.ts';

export interface CandidateReport {
  /** Errors and warnings, in the order of the text. */
  readonly problems: readonly Problem[];
  /** As the log of a reload tells them; empty when there is an error. */
  readonly changes: readonly string[];
  /** Of what only a restart takes up; null when there is an error. */
  readonly fixed: Pick<Config, 'proxy' | 'admin'> | null;
}

export interface CandidateInput {
  readonly text: string;
  /** Those of the config in force, beside whose file the text is read. */
  readonly options: LoadOptions;
  /** The config in force. */
  readonly inForce: ConfigParcel;
}

/** What the text is called in problems. */
const candidateName = 'candidate';

export async function checkCandidate({ text, options, inForce }: CandidateInput): Promise<CandidateReport> {
  if (countMarks(text) > mostMarks) return refuse([tooMuch], options.file);
  const read = parseConfigText(options.file, text, ['map']);
  if (!read.ok) return refuse(read.problems, options.file);
  const present = readConfigFile(options.file);
  // Without a file to compare with nothing may be read but the text itself.
  const source = present.ok ? present.source : null;
  const foreign = findForeignReferences(read.source, source);
  if (foreign.length > 0) return refuse(limitProblems(foreign), options.file);
  const { loaded, config } = judgeSource(read.source, options);
  if (!loaded.ok || config === null) return refuse(loaded.ok ? [] : loaded.problems, options.file);
  const { changes } = describeChanges(await unpackConfig(inForce), config);
  const { proxy, admin } = config;
  return { problems: rename(loaded.warnings, options.file), changes, fixed: { proxy, admin } };
}

/** 5,000 full routes have half as many. Of 8 MB of `{},` the parser would make 4 GB, in two minutes. */
const mostMarks = 1_200_000;

/** What keys and values end or begin with: there are no more of these than twice as many. */
function countMarks(text: string): number {
  let marks = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x0a || code === 0x2c || code === 0x3a || code === 0x5b || code === 0x7b) marks++;
  }
  return marks;
}

const tooMuch: Problem = {
  severity: 'error',
  file: candidateName,
  line: 1,
  column: 1,
  path: formatPath([]),
  value: null,
  message: 'has more keys and values than are judged here; run `sluice check` beside the file',
  expected: null,
};

function refuse(problems: readonly Problem[], file: string): CandidateReport {
  return { problems: rename(problems, file), changes: [], fixed: null };
}

/** The text is not the file beside which it was read. */
function rename(problems: readonly Problem[], file: string): readonly Problem[] {
  return problems.map((problem) => (problem.file === file ? { ...problem, file: candidateName } : problem));
}
