/** Loads a config without holding up the caller's event loop. */
import type { ConfigParcel } from '../contracts/ipc.ts';
import { runTask } from '../offload/pool.ts';
import type { LoadOptions, ReloadedConfig } from './load.ts';

/** `previous`: the parcel of the config in force, for `changes`; null at startup. */
export function loadConfigInThread(
  options: LoadOptions,
  previous: ConfigParcel | null = null,
): Promise<ReloadedConfig> {
  // process.env can't be cloned to a thread; its content can.
  return runTask('loadConfig', { options: { ...options, env: { ...options.env } }, previous });
}
