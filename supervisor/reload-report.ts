/** What whoever asked for a reload is told. The log says the same. */
import type { Problem } from '../src/config/problem.ts';

export type ReloadReport =
  | {
      readonly result: 'accepted';
      readonly version: number;
      /** `route users changed: timeout`: names and keys, no values. */
      readonly changes: readonly string[];
      /** Keys that only a restart takes up. */
      readonly needsRestart: readonly string[];
      readonly warnings: readonly Problem[];
    }
  | {
      readonly result: 'rejected';
      /** Of the config that stays in force. */
      readonly version: number;
      readonly problems: readonly Problem[];
      /** A file without errors was refused all the same; null: it had some. */
      readonly reason: string | null;
    }
  /** The gateway is shutting down. */
  | { readonly result: 'stopped' };
