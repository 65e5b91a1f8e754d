/** Checks of `security`: hosts and addresses that can be compared, and keys that can match. */
import { hopByHopFields, ownedRequestFields } from '../core/http-fields.ts';
import { checkRanges } from './check-listeners.ts';
import { besides, type Checking, checkFileExists, checkToken, reportLint } from './checking.ts';
import { Findings } from './findings.ts';
import { isAllowedHost, isConsumerName } from './formats.ts';
import type { Environment } from './interpolate.ts';
import type { KeyPath } from './problem.ts';
import { readConfigFile, type Source } from './read.ts';
import { KeysFile } from './schema.ts';
import { type Loose, readShape } from './shape.ts';

type Keys = Loose<readonly { key: string; name: string }[]>;

/** Returns what is wrong with keysFile: problems of another file. */
export function checkSecurity(checking: Checking, environment: Environment): Findings | null {
  const { file, findings } = checking;
  file.security?.allowedHosts?.forEach((host, i) => {
    if (host === undefined || isAllowedHost(host)) return;
    const path = ['security', 'allowedHosts', i];
    findings.error(path, `${findings.show(path)} is no host`, {
      expected: 'a host such as api.example.com or *.example.com, without scheme and port',
    });
  });
  checkRanges(checking, ['security', 'blockedIPs'], file.security?.blockedIPs);
  return checkAuth(checking, environment);
}

function checkAuth(checking: Checking, environment: Environment): Findings | null {
  const { file, findings } = checking;
  const auth = file.security?.auth;
  if (auth === undefined) return null;
  checkKeyHeader(checking, auth.header);
  if (!findings.has(['security', 'auth', 'secret'])) {
    const message = 'has no secret: digests of keys are plain SHA-256, which can be guessed offline once they leak';
    findings.warn(['security', 'auth'], message, { at: 'key', value: null });
  }
  // A key belongs to one client, wherever it stands.
  const seen = new Set<string>();
  checkKeys(checking, ['security', 'auth', 'keys'], auth.keys, seen);
  return auth.keysFile === undefined ? null : checkKeysFile(checking, auth.keysFile, environment, seen);
}

function checkKeyHeader(checking: Checking, header: string | undefined): void {
  const path = ['security', 'auth', 'header'];
  checkToken(checking, path, header);
  const name = header?.toLowerCase() ?? '';
  if (!connectionFields.has(name) && !hopByHopFields.has(name) && !ownedRequestFields.has(name)) return;
  checking.findings.error(path, `${checking.findings.show(path)} belongs to the connection or to the gateway`, {
    expected: 'a header of its own such as X-API-Key',
  });
}

/** Beside the hop-by-hop ones; what they say is read, or written anew, by the gateway. */
const connectionFields: ReadonlySet<string> = new Set(['host', 'content-length', 'via', 'expect', 'trailer']);

function checkKeys(checking: Checking, path: KeyPath, keys: Keys | undefined, seen: Set<string>): void {
  keys?.forEach((entry, i) => {
    const keyPath = [...path, i, 'key'];
    checkConsumerName(checking, [...path, i, 'name'], entry?.name);
    if (entry?.key === undefined) return;
    const digest = entry.key.toLowerCase();
    if (!/^[0-9a-f]{64}$/.test(digest)) {
      reportLint(
        checking,
        keyPath,
        'is no hex digest of 64 characters, so that no key can ever match it; `sluice keys hash` makes one',
        null,
      );
    } else if (seen.has(digest)) {
      checking.findings.error(keyPath, 'is there twice', { value: null });
    }
    seen.add(digest);
  });
}

function checkConsumerName({ findings }: Checking, path: KeyPath, name: string | undefined): void {
  if (name === undefined || isConsumerName(name)) return;
  findings.error(path, `${findings.show(path)} can't be sent on in a header`, {
    expected: 'a name in printable ASCII',
  });
}

function checkKeysFile(checking: Checking, file: string, environment: Environment, seen: Set<string>): Findings | null {
  const path = ['security', 'auth', 'keysFile'];
  const before = checking.findings.problems.length;
  checkFileExists(checking, path, file, 'a file with a list of keys, or with [] as long as there is none');
  if (checking.findings.problems.length > before) return null;
  const read = readConfigFile(besides(checking, file), ['map', 'list']);
  if (!read.ok) {
    checking.findings.problems.push(...read.problems);
    return null;
  }
  return readKeys(checking, read.source, environment, seen);
}

function readKeys(checking: Checking, source: Source, environment: Environment, seen: Set<string>): Findings {
  const findings = new Findings(source);
  const content = readShape(KeysFile, findings, environment) as Keys | { readonly keys?: Keys } | undefined;
  const isList = Array.isArray(content);
  const keys = isList ? (content as Keys) : (content as { readonly keys?: Keys } | undefined)?.keys;
  checkKeys({ ...checking, findings }, isList ? [] : ['keys'], keys, seen);
  for (const entry of keys ?? []) {
    if (entry?.key !== undefined && entry.name !== undefined)
      checking.attached.keys.push({ key: entry.key, name: entry.name });
  }
  return findings;
}
