/** The orders that routes can be shown in. */
import type { RouteFlow } from '../../contracts/status.ts';

const values = {
  rate: (route: RouteFlow) => route.rate,
  p99: (route: RouteFlow) => route.p99 ?? -1,
  errors: (route: RouteFlow) => route.statuses['5xx'],
  refused: (route: RouteFlow) => route.statuses['4xx'],
  name: () => 0,
} as const;

export type SortKey = keyof typeof values;

export const sortKeys = Object.keys(values) as readonly SortKey[];

export function isSortKey(text: string): text is SortKey {
  return Object.hasOwn(values, text);
}

/** The highest first; among equals, and for `name`, by name. */
export function sortRoutes(routes: readonly RouteFlow[], key: SortKey): RouteFlow[] {
  const value = values[key];
  return [...routes].sort((a, b) => value(b) - value(a) || (a.route < b.route ? -1 : 1));
}
