/** What an upstream is known by beyond its settings: its state is kept by this, across reloads, workers and nodes. */
import { createHash } from 'node:crypto';
import type { UpstreamConfig } from '../contracts/config.ts';

/** Its name, and a digest of where it is: one that has moved has to prove itself anew. */
export function upstreamKey({ name, builtin, targets }: UpstreamConfig): string {
  const where = JSON.stringify([builtin, targets.map(({ url }) => url).sort()]);
  return `${name}@${createHash('sha256').update(where).digest('hex').slice(0, 12)}`;
}
