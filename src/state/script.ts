/** A Lua script that Redis knows by the hash of its text. */
import { hash } from 'node:crypto';

export interface Script {
  readonly text: string;
  readonly sha: string;
}

export function defineScript(text: string): Script {
  return { text, sha: hash('sha1', text) };
}

/** One run of a script. In a cluster all its keys must lie in one slot. */
export interface ScriptCall {
  readonly script: Script;
  readonly keys: readonly string[];
  readonly args: readonly string[];
}
