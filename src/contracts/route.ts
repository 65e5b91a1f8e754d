/** What the route table answers for a request: pure lookup over data compiled beforehand. */

/** What a route says about the requests that it wants, and what is kept for each match. */
export interface RouteSpec<R> {
  /** `/api/users/*`, `/users/:id`, `/exact/` */
  readonly path: string;
  /** Exact, `*.suffix`, or null. */
  readonly host: string | null;
  /** Upper case; GET includes HEAD; null: all. */
  readonly methods: readonly string[] | null;
  /** Lower-case names; all must match. */
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly route: R;
}

export interface RouteMatch<R> {
  readonly kind: 'match';
  readonly route: R;
}

export type RouteAnswer<R> =
  | RouteMatch<R>
  /** Nothing but methods stood in the way; `allow` is sorted and holds HEAD where GET is. */
  | { readonly kind: 'method'; readonly allow: readonly string[] }
  /** Another reading of the path would choose another route: refused with 400. */
  | { readonly kind: 'ambiguous' }
  | { readonly kind: 'none' };

export interface RouteTable<R> {
  /**
   * `host` lower case without port; `path` canonical; `rawHeaders` flat as sent, read only when a candidate route has
   * header conditions; `otherPaths` the path as others may read it (see CanonicalPath in src/core), mostly empty.
   */
  find(
    method: string,
    host: string,
    path: string,
    rawHeaders: readonly string[],
    otherPaths: readonly string[],
  ): RouteAnswer<R>;
}
