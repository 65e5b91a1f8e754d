/** The process of a worker, as far as it can tell by itself. */
import type { WorkerInsight } from '../src/contracts/insight.ts';

export function inspectProcess(): Pick<WorkerInsight, 'memory' | 'resources'> {
  const { rss, heapUsed, external } = process.memoryUsage();
  const resources: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1;
  return { memory: { rssBytes: rss, heapBytes: heapUsed, buffersBytes: external }, resources };
}
