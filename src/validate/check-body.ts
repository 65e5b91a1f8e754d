/** The check of a body where it runs in a thread: with the coding undone, and with schemas that are compiled once. */
import type { BodyFinding, ContentCoding } from '../contracts/body-check.ts';
import { decode } from './codings.ts';
import { checkJson } from './json-body.ts';
import { compileSchema } from './schema/compile.ts';
import type { Check } from './schema/report.ts';

export interface BodyTask {
  readonly schemaId: string;
  /** Null: the thread may have it. */
  readonly schema: string | null;
  readonly body: Uint8Array;
  readonly coding: ContentCoding;
  readonly maxBytes: number;
}

/** `schema wanted`: ask again, with its text. */
export function checkBody({ schemaId, schema, body, coding, maxBytes }: BodyTask): BodyFinding | 'schema wanted' {
  const check = checkOf(schemaId, schema);
  if (check === null) return 'schema wanted';
  const bytes = decode(Buffer.from(body.buffer, body.byteOffset, body.length), coding, maxBytes);
  if (typeof bytes === 'string') return bytes;
  return checkJson(bytes, check) ?? 'fits';
}

/** More than these are forgotten, those first that have been unused for longest: after many reloads nothing piles up. */
const mostSchemas = 200;
const known = new Map<string, Check>();

function checkOf(id: string, schema: string | null): Check | null {
  const found = known.get(id) ?? (schema === null ? null : compileSchema(JSON.parse(schema)));
  if (found === null) return null;
  known.delete(id);
  known.set(id, found);
  const [oldest] = known.keys();
  if (known.size > mostSchemas && oldest !== undefined) known.delete(oldest);
  return found;
}
