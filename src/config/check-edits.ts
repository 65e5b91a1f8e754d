/** Checks of header edits: fields that exist and that are the operator's to change. */
import { hopByHopFields, ownedRequestFields } from '../core/http-fields.ts';
import { type Checking, checkHeaderMap, checkToken } from './checking.ts';
import type { KeyPath } from './problem.ts';

interface Edits {
  readonly set?: Readonly<Record<string, string | undefined>> | undefined;
  readonly add?: Readonly<Record<string, string | undefined>> | undefined;
  readonly remove?: readonly (string | undefined)[] | undefined;
}

/** `respond`: the fields of an answer that the gateway makes; `path` then is the map above its `headers`. */
export function checkEdits(
  checking: Checking,
  path: KeyPath,
  edits: Edits | undefined,
  of: 'request' | 'response' | 'respond',
): void {
  if (edits === undefined) return;
  const setPath = [...path, of === 'respond' ? 'headers' : 'set'];
  checkChanges(checking, setPath, edits.set, of);
  checkChanges(checking, [...path, 'add'], edits.add, of);
  edits.remove?.forEach((name, i) => {
    checkToken(checking, [...path, 'remove', i], name);
    if (name !== undefined) checkOwner(checking, [...path, 'remove', i], name, of, 'value');
  });
}

function checkChanges(
  checking: Checking,
  path: KeyPath,
  headers: Edits['set'],
  of: 'request' | 'response' | 'respond',
): void {
  checkHeaderMap(checking, path, headers);
  for (const name of Object.keys(headers ?? {})) checkOwner(checking, [...path, name], name, of, 'key');
}

function checkOwner(
  { findings }: Checking,
  path: KeyPath,
  name: string,
  of: 'request' | 'response' | 'respond',
  at: 'key' | 'value',
): void {
  const owner = ownerOf(name.toLowerCase(), of);
  if (owner !== null) findings.error(path, `"${name}" can't be changed: ${owner}`, { at, value: name });
}

/** Who else decides about a field; null: the operator may. */
function ownerOf(name: string, of: 'request' | 'response' | 'respond'): string | null {
  if (hopByHopFields.has(name) || name === 'trailer') return 'it belongs to the connection';
  if (name === 'content-length') return 'it frames the message';
  if (name === 'x-request-id') return 'the gateway sets it';
  if (of !== 'request') return null;
  if (name === 'host') return 'use preserveHost, or the url of the upstream';
  if (name === 'expect') return 'the gateway answers it';
  return ownedRequestFields.has(name) || name === 'via' || name.startsWith('x-forwarded-')
    ? 'the gateway sets it'
    : null;
}
