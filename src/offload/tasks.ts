/** Everything that may run in a thread of the pool: long computations that would hold up an event loop. One line each. */
import { checkCandidate } from '../config/candidate.ts';
import { listLimits } from '../config/list-limits.ts';
import { renderRoutes } from '../config/list-routes.ts';
import { type LoadOptions, loadAndCompare } from '../config/load.ts';
import { unpackConfig } from '../config/parcel.ts';
import { renderConfig } from '../config/redact.ts';
import type { ConfigParcel } from '../contracts/ipc.ts';
import type { FaultyTarget } from '../contracts/target-fault.ts';
import { askUpstreams } from '../health/deep.ts';
import { readCertificates } from '../tls/read-certificates.ts';
import { compileAddressPolicy } from '../upstream/address-policy.ts';

const tasks = {
  loadConfig: ({ options, previous }: { options: LoadOptions; previous: ConfigParcel | null }) =>
    loadAndCompare(options, previous),
  checkCandidate,
  renderConfig,
  renderRoutes,
  listLimits,
  askUpstreams: async ({ parcel, faulty }: { parcel: ConfigParcel; faulty: readonly FaultyTarget[] }) => {
    const { upstreams, security, proxy } = await unpackConfig(parcel);
    return await askUpstreams(upstreams, { door: compileAddressPolicy(security, proxy.dns.servers), faulty });
  },
  readCertificates,
};

export type Tasks = typeof tasks;
export type TaskName = keyof Tasks;
export type TaskInput<N extends TaskName> = Parameters<Tasks[N]>[0];
export type TaskOutput<N extends TaskName> = Awaited<ReturnType<Tasks[N]>>;

/** What the pool calls in its threads. */
export async function performTask<N extends TaskName>({
  name,
  input,
}: {
  name: N;
  input: TaskInput<N>;
}): Promise<unknown> {
  // That the input belongs to the name is checked where the task is asked for.
  const task: (input: never) => unknown = tasks[name];
  return task(input as never);
}
