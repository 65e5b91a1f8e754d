/** `sluice keys new` makes an API key; `sluice keys hash` tells what the config has to know of one. Neither keeps it. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { createKeyDigest, type KeyDigest, maxKeyBytes } from '../auth/key-digest.ts';
import { isConsumerName } from '../config/formats.ts';
import { loadConfig } from '../config/load.ts';
import { unpackConfig } from '../config/parcel.ts';
import { formatProblem } from '../config/problem.ts';
import { chooseConfigFile } from './config-file.ts';
import { print } from './print.ts';

/** `argv`: what follows "keys". `readKey`: the bytes of standard input. Answers the exit code. */
export async function runKeys(
  [action, ...argv]: readonly string[],
  readKey: () => Promise<Buffer>,
  random: (bytes: number) => Buffer = randomBytes,
): Promise<number> {
  if (action === 'new') return await makeKey(argv, random);
  if (action === 'hash') return await hashKey(argv, readKey);
  return complain(
    action === undefined ? 'keys: what to do with them?' : `keys: "${action}" is nothing to do with them`,
  );
}

const usage = `usage: sluice keys new --name NAME [--config FILE]   make a key for the client NAME
       sluice keys hash [--config FILE]              the hash of a key that is read from standard input
`;

async function makeKey(argv: readonly string[], random: (bytes: number) => Buffer): Promise<number> {
  const options = readOptions(argv, { name: { type: 'string' }, config: { type: 'string' } });
  if (options === null) return 1;
  const { name } = options;
  if (name === undefined) return complain('keys new: whose key? --name says it');
  if (!isConsumerName(name)) return complain(`keys new: --name takes printable ASCII, got ${JSON.stringify(name)}`);
  const scheme = await readScheme(options.config);
  if (scheme === null) return 1;
  const key = `${keyPrefix}${random(keyBytes).toString('base64url')}`;
  const hash = scheme.digestOf(key);
  const entry = `  - key: "${hash}"\n    name: ${JSON.stringify(name)}\n`;
  await print(
    `The key, for the client. It is shown this once and kept nowhere:\n\n  ${key}\n\n` +
      `For security.auth.keys in ${scheme.file}, or for its keysFile; then reload:\n\n${entry}`,
  );
  return 0;
}

/** Lets people, and scanners of repositories, see what it is. */
const keyPrefix = 'slk_';
/** 256 bits: nobody guesses one, and so a fast hash is enough to keep it by. */
const keyBytes = 32;

async function hashKey(argv: readonly string[], readKey: () => Promise<Buffer>): Promise<number> {
  const options = readOptions(argv, { config: { type: 'string' } });
  if (options === null) return 1;
  const scheme = await readScheme(options.config);
  if (scheme === null) return 1;
  // One character a byte, without the white space around it: as it will be read from a header field.
  const key = (await readKey()).toString('latin1').replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '');
  if (key === '') return complain('keys hash: there is no key in the standard input');
  if (key.length > maxKeyBytes) return complain(`keys hash: a key has at most ${maxKeyBytes} bytes`);
  if (!/^[\t\x20-\x7e\x80-\xff]+$/.test(key))
    return complain('keys hash: a key is one line without control characters');
  await print(`${scheme.digestOf(key)}\n`);
  return 0;
}

interface Options {
  readonly name?: string;
  readonly config?: string;
}

function readOptions(argv: readonly string[], options: Readonly<Record<string, { type: 'string' }>>): Options | null {
  try {
    return parseArgs({ args: [...argv], options }).values;
  } catch (error) {
    // It may be the key itself: not to be repeated.
    const isWord = (error as NodeJS.ErrnoException).code === 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL';
    const what = isWord
      ? 'a key is read from standard input, where no list of processes shows it'
      : (error as Error).message.replace(/\. .*/s, '');
    complain(`keys: ${what}`);
    return null;
  }
}

interface Scheme {
  readonly file: string;
  readonly digestOf: KeyDigest;
}

/** Null: the config can't be read, which has been said. A hash under the wrong secret would be worse than none. */
async function readScheme(flag: string | undefined): Promise<Scheme | null> {
  const file = chooseConfigFile(flag, process.env);
  // Without a config yet, a key can still be made.
  if (flag === undefined && !existsSync(file)) return schemeWithout(file, `there is no ${file}`);
  const loaded = await loadConfig({ file, env: process.env, strict: false });
  if (!loaded.ok) {
    const errors = loaded.problems.filter(({ severity }) => severity === 'error').map(formatProblem);
    process.stderr.write(`${errors.join('\n')}\nsluice: keys: ${file} is not valid, so its secret can't be read\n`);
    return null;
  }
  const { security } = await unpackConfig(loaded.parcel);
  const secret = security.auth?.secret ?? null;
  if (secret === null) return schemeWithout(file, `${file} has no security.auth.secret`);
  return { file, digestOf: createKeyDigest(secret) };
}

function schemeWithout(file: string, why: string): Scheme {
  process.stderr.write(
    `sluice: keys: ${why}: the hash is plain SHA-256. It fits only as long as there is no secret; hash the key again ` +
      'once there is one\n',
  );
  return { file, digestOf: createKeyDigest(null) };
}

function complain(message: string): number {
  process.stderr.write(`sluice: ${message}\n${usage}`);
  return 1;
}
