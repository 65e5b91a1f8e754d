/** A config on its way to the workers: JSON pieces, each small enough to be written and read without holding up an event loop. */
import type { Config, RouteConfig } from '../contracts/config.ts';
import type { ConfigParcel } from '../contracts/ipc.ts';

const routesPerPiece = 100;

export function packConfig(config: Config): ConfigParcel {
  const pieces = [encode({ ...config, routes: [] })];
  for (let i = 0; i < config.routes.length; i += routesPerPiece) {
    pieces.push(encode(config.routes.slice(i, i + routesPerPiece)));
  }
  return pieces;
}

/** Lets other work go on between two pieces. */
export async function unpackConfig(parcel: ConfigParcel): Promise<Config> {
  const [first, ...others] = parcel;
  if (first === undefined) throw new Error('an empty parcel is no config');
  const config = decode(first) as Config;
  const routes: RouteConfig[] = [];
  for (const piece of others) {
    await new Promise((resolve) => setImmediate(resolve));
    routes.push(...(decode(piece) as RouteConfig[]));
  }
  return { ...config, routes };
}

function encode(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

function decode(piece: Uint8Array): unknown {
  return JSON.parse(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength).toString());
}
