/** Judges the text of a config that is only a proposal: what `reload` would say of it, without touching anything. For a thread. */
import type { Config } from '../contracts/config.ts';
import type { ConfigParcel } from '../contracts/ipc.ts';
import { describeChanges } from './describe.ts';
import { judgeSource, type LoadOptions } from './load.ts';
import { unpackConfig } from './parcel.ts';
import { limitProblems, type Problem } from './problem.ts';
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

function refuse(problems: readonly Problem[], file: string): CandidateReport {
  return { problems: rename(problems, file), changes: [], fixed: null };
}

/** The text is not the file beside which it was read. */
function rename(problems: readonly Problem[], file: string): readonly Problem[] {
  return problems.map((problem) => (problem.file === file ? { ...problem, file: candidateName } : problem));
}
