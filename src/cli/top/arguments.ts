/** What the command line of `sluice top` asks for, and which gateway it means. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { loadAdmin } from '../../config/load-admin.ts';
import { formatProblem } from '../../config/problem.ts';
import { chooseConfigFile } from '../config-file.ts';
import { isSortKey, type SortKey, sortKeys } from './sort.ts';
import type { StatusSource } from './status-client.ts';

export interface TopOptions {
  readonly source: StatusSource;
  readonly once: boolean;
  readonly sort: SortKey;
}

/** The message says what can be done. */
export class UsageProblem extends Error {}

type Environment = Readonly<Record<string, string | undefined>>;

const usage = `usage: sluice top [--once] [--sort ${sortKeys.join('|')}] [--config FILE | --url URL] [--token-file FILE]`;

/** Throws a UsageProblem. The token never stands in the command line, where every user of the machine could read it. */
export function readTopArguments(argv: readonly string[], env: Environment): TopOptions {
  const values = parse(argv);
  const sort = values.sort ?? 'rate';
  if (!isSortKey(sort)) throw new UsageProblem(`--sort takes ${sortKeys.join(', ')}, got "${sort}"`);
  const given =
    values['token-file'] === undefined ? (env['SLUICE_ADMIN_TOKEN'] ?? '') : readToken(values['token-file']);
  const source =
    values.url === undefined
      ? readConfig(chooseConfigFile(values.config, env), env, given !== '')
      : readUrl(values.url);
  return { source: given === '' ? source : { ...source, token: given }, once: values.once, sort };
}

function parse(argv: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        once: { type: 'boolean', default: false },
        sort: { type: 'string' },
        config: { type: 'string' },
        url: { type: 'string' },
        'token-file': { type: 'string' },
      },
    });
    return values;
  } catch (error) {
    throw new UsageProblem(`${(error as Error).message}\n${usage}`, { cause: error });
  }
}

function readToken(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new UsageProblem(`--token-file can't be read: ${(error as Error).message}`, { cause: error });
  }
}

function readUrl(text: string): StatusSource {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new UsageProblem(`--url takes a url such as http://127.0.0.1:9901, got "${text}"`);
  if (url.username !== '' || url.password !== '')
    throw new UsageProblem('--url takes no user and password; the token comes from --token-file or SLUICE_ADMIN_TOKEN');
  return { url: url.origin, token: null };
}

/** Where the config has the admin listener, and the token that it wants there. */
function readConfig(file: string, env: Environment, hasToken: boolean): StatusSource {
  const loaded = loadAdmin(file, env, hasToken);
  if (!loaded.ok) {
    const [first] = loaded.problems;
    const why = first === undefined ? '' : `\n${formatProblem(first)}`;
    throw new UsageProblem(`where is the gateway? ${file} does not tell, --url may${why}`);
  }
  const { host, port, token } = loaded.admin;
  if (port === 0) throw new UsageProblem(`${file} turns the admin listener off (admin.port: 0)`);
  return { url: `http://${reachable(host)}:${port}`, token };
}

/** One that listens everywhere is also here. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
