/**
 * From the name of a config file to a config that is ready to be sent to workers, or to everything that is wrong with
 * it. With thousands of routes this takes half a second of pure computing: long-lived processes call
 * `loadConfigInThread`.
 */
import type { Config } from '../contracts/config.ts';
import type { ConfigParcel } from '../contracts/ipc.ts';
import { checkConfig } from './check.ts';
import { type ConfigChanges, describeChanges, routeLabel } from './describe.ts';
import type { Environment } from './interpolate.ts';
import { packConfig, unpackConfig } from './parcel.ts';
import { limitProblems, type Problem, sortProblems } from './problem.ts';
import { readConfigFile, type Source } from './read.ts';
import { resolveConfig } from './resolve.ts';

export interface LoadOptions {
  readonly file: string;
  readonly env: Environment;
  /** Some warnings count as errors. */
  readonly strict: boolean;
}

export type LoadedConfig =
  | {
      readonly ok: true;
      readonly summary: ConfigSummary;
      readonly parcel: ConfigParcel;
      readonly warnings: readonly Problem[];
      /** What has been read besides the file itself, by absolute paths. */
      readonly files: readonly string[];
    }
  | {
      readonly ok: false;
      /** Errors, and the warnings that came with them, in the order of the file. */
      readonly problems: readonly Problem[];
      /** As above; null: it did not come to that. */
      readonly files: readonly string[] | null;
    };

/** What a supervisor needs to know by itself. The secrets of auth, and 100,000 keys, are none of it. */
export interface ConfigSummary extends Omit<Config, 'routes' | 'security'> {
  readonly file: string;
  /** Their labels in metrics and logs. */
  readonly routes: readonly string[];
  readonly addresses: Pick<Config['security'], 'allowedHosts' | 'blockedIPs'>;
}

/** As `LoadedConfig`, and what it changes; nothing when there was no config before. */
export type ReloadedConfig =
  | (Extract<LoadedConfig, { ok: true }> & ConfigChanges)
  | Extract<LoadedConfig, { ok: false }>;

export async function loadConfig(options: LoadOptions): Promise<LoadedConfig> {
  return (await load(options)).loaded;
}

/** `previous`: the parcel of the config in force. */
export async function loadAndCompare(options: LoadOptions, previous: ConfigParcel | null): Promise<ReloadedConfig> {
  const { loaded, config } = await load(options);
  if (!loaded.ok) return loaded;
  if (previous === null || config === null) return { ...loaded, changes: [] };
  return { ...loaded, ...describeChanges(await unpackConfig(previous), config) };
}

async function load(options: LoadOptions): Promise<Judged> {
  const read = readConfigFile(options.file);
  return read.ok
    ? judgeSource(read.source, options)
    : { loaded: { ok: false, problems: read.problems, files: null }, config: null };
}

export interface Judged {
  readonly loaded: LoadedConfig;
  /** Null when there is an error. */
  readonly config: Config | null;
}

/** From here on nothing asks where the text came from; `file` names it. */
export function judgeSource(source: Source, { file, env, strict }: LoadOptions): Judged {
  const { checked, problems, files } = checkConfig(source, env, strict);
  if (checked === null) return { loaded: { ok: false, problems: limitProblems(problems), files }, config: null };
  const config = resolveConfig(checked, env);
  const all = sortProblems(problems, file);
  if (all.some(({ severity }) => severity === 'error'))
    return { loaded: { ok: false, problems: limitProblems(all), files }, config: null };
  return {
    loaded: {
      ok: true,
      summary: summarize(config, file),
      parcel: packConfig(config),
      warnings: limitProblems(all),
      files,
    },
    config,
  };
}

function summarize(config: Config, file: string): ConfigSummary {
  const { security, ...rest } = config;
  return {
    ...rest,
    file,
    routes: config.routes.map(routeLabel),
    addresses: { allowedHosts: security.allowedHosts, blockedIPs: security.blockedIPs },
  };
}
