/** What lies in deploy/ as data, and the settings of a config that it has to agree with. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { type ConfigSummary, loadConfig } from '../../src/config/load.ts';
import { formatProblem } from '../../src/config/problem.ts';
import { limits } from '../../supervisor/worker-process.ts';

// biome-ignore lint/suspicious/noExplicitAny: the form of these files is what the tests are about.
// oxlint-disable-next-line typescript/no-explicit-any
export type Manifest = any;

const root = join(import.meta.dirname, '../..');

export function readText(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

export function readYaml(file: string): Manifest {
  return parse(readText(file), { merge: true });
}

/** Every document of every `.yaml` file in a folder. */
export function readManifests(folder: string): Manifest[] {
  const files = readdirSync(join(root, folder)).filter((name) => name.endsWith('.yaml'));
  return files.flatMap((name) => parseAllDocuments(readText(`${folder}/${name}`)).map((document) => document.toJS()));
}

/** Of a config that `sluice check --strict` finds nothing to say about. Throws what it says. */
export async function readSettings(file: string, env: Readonly<Record<string, string>>): Promise<ConfigSummary> {
  const loaded = await loadConfig({ file: join(root, file), env, strict: true });
  const problems = loaded.ok ? loaded.warnings : loaded.problems;
  if (!loaded.ok || problems.length > 0) throw new Error(problems.map(formatProblem).join('\n'));
  return loaded.summary;
}

/** Names of the environment variables that a config asks for and has no default for. */
export function variablesOf(file: string): string[] {
  const text = readText(file).replaceAll(/^\s*#.*$/gm, '');
  return [...new Set([...text.matchAll(/(?<!\$)\$\{(\w+)\}/g)].map(([, name]) => name ?? ''))];
}

/** The longest that a gateway needs from SIGTERM to its end, in seconds: its drain, and workers that do not answer. */
export function longestEndSeconds({ proxy }: Pick<ConfigSummary, 'proxy'>): number {
  return (proxy.shutdown.delayMs + proxy.shutdown.timeoutMs + limits.drainMarginMs + limits.leaveMs) / 1000;
}
