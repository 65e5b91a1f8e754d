/** A config cut into JSON pieces for its way to the workers, so that no event loop parses 5,000 routes in one go. */
import { setImmediate } from 'node:timers/promises';
import type { ApiKeyAuthConfig, Config, RouteConfig } from '../contracts/config.ts';
import type { ConfigParcel } from '../contracts/ipc.ts';

/** The first piece is everything but what there may be thousands of; each further one holds some of that, in order. */
export function packConfig(config: Config): ConfigParcel {
  const { routes, security, ...rest } = config;
  const keys = security.auth?.keys ?? [];
  const first: Omit<Config, 'routes'> = { ...rest, security: withKeys(security, []) };
  const pieces: (typeof first | Piece)[] = [first];
  for (const some of slices(keys, keysPerPiece)) pieces.push({ keys: some });
  for (const some of slices(routes, routesPerPiece)) pieces.push({ routes: some });
  const encoder = new TextEncoder();
  return pieces.map((piece) => encoder.encode(JSON.stringify(piece)));
}

/** Parses one piece per turn of the event loop: about a millisecond each. */
export async function unpackConfig(parcel: ConfigParcel): Promise<Config> {
  const [first, ...others] = parcel;
  if (first === undefined) throw new Error('a parcel has at least one piece');
  const rest = parsePiece(first) as Omit<Config, 'routes'>;
  const routes: RouteConfig[] = [];
  const keys: Key[] = [];
  for (const other of others) {
    await setImmediate();
    const piece = parsePiece(other) as Piece;
    if (piece.routes !== undefined) routes.push(...piece.routes);
    if (piece.keys !== undefined) keys.push(...piece.keys);
  }
  return { ...rest, security: withKeys(rest.security, keys), routes };
}

type Key = ApiKeyAuthConfig['keys'][number];

interface Piece {
  readonly keys?: readonly Key[];
  readonly routes?: readonly RouteConfig[];
}

/** Small enough for a turn of a few milliseconds, large enough to be few. */
const routesPerPiece = 200;
const keysPerPiece = 2_000;

function withKeys(security: Config['security'], keys: readonly Key[]): Config['security'] {
  return security.auth === null ? security : { ...security, auth: { ...security.auth, keys } };
}

function* slices<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let i = 0; i < items.length; i += size) yield items.slice(i, i + size);
}

function parsePiece(piece: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(piece));
}
