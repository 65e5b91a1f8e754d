/** A config cut into JSON pieces for its way to the workers, so that no event loop parses 5,000 routes in one go. */
import { setImmediate } from 'node:timers/promises';
import type { Config, RouteConfig } from '../contracts/config.ts';
import type { ConfigParcel } from '../contracts/ipc.ts';

/** The first piece is everything but the routes; each further one holds at most 200 of them, in order. */
export function packConfig(config: Config): ConfigParcel {
  const { routes, ...rest } = config;
  const pieces: unknown[] = [rest];
  for (let i = 0; i < routes.length; i += routesPerPiece) pieces.push(routes.slice(i, i + routesPerPiece));
  const encoder = new TextEncoder();
  return pieces.map((piece) => encoder.encode(JSON.stringify(piece)));
}

/** Parses one piece per turn of the event loop: about a millisecond each. */
export async function unpackConfig(parcel: ConfigParcel): Promise<Config> {
  const [first, ...others] = parcel;
  if (first === undefined) throw new Error('a parcel has at least one piece');
  const rest = parsePiece(first) as Omit<Config, 'routes'>;
  const routes: RouteConfig[] = [];
  for (const piece of others) {
    await setImmediate();
    routes.push(...(parsePiece(piece) as RouteConfig[]));
  }
  return { ...rest, routes };
}

/** Small enough for a turn of a few milliseconds, large enough to be few. */
const routesPerPiece = 200;

function parsePiece(piece: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(piece));
}
