/** The limits of a config that is packed for its way, as rules. For a thread: 5,000 routes may have one each. */

import type { LimitConfig } from '../contracts/config.ts';
import type { ConfigParcel } from '../contracts/ipc.ts';
import { routeIdentity } from './describe.ts';
import { unpackConfig } from './parcel.ts';

export interface PackedLimits {
  readonly global: LimitConfig | null;
  readonly perRoute: readonly (LimitConfig & { readonly path: string })[];
  readonly routes: readonly { readonly limit: LimitConfig; readonly identity: string }[];
}

export async function listLimits(parcel: ConfigParcel): Promise<PackedLimits> {
  const { rateLimit, routes } = await unpackConfig(parcel);
  return {
    global: rateLimit.global,
    perRoute: rateLimit.perRoute,
    routes: routes.flatMap((route) =>
      route.rateLimit === null ? [] : [{ limit: route.rateLimit, identity: routeIdentity(route) }],
    ),
  };
}
