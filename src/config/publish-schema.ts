/** The JSON Schema that editors get: the format's own, without the notes that only this program reads. */
import { ConfigFileSchema } from './schema.ts';

export interface PublishedSchema {
  readonly [keyword: string]: unknown;
}

export function publishSchema(): PublishedSchema {
  return { $schema: 'http://json-schema.org/draft-07/schema#', ...publish(ConfigFileSchema) };
}

/** As it is stored in config/proxy.schema.json and printed by `sluice schema`. */
export function formatSchema(): string {
  return `${JSON.stringify(publishSchema(), null, 2)}\n`;
}

const ownNotes: ReadonlySet<string> = new Set(['leaf', 'choices', 'anyShape', 'expected']);

function publish(schema: object): PublishedSchema {
  const published = Object.entries(schema)
    .filter(([keyword]) => !ownNotes.has(keyword))
    .map(([keyword, value]) => [keyword, publishInner(keyword, value)] as const);
  // Editors show this in place of "does not match the pattern".
  const { expected } = schema as { expected?: unknown };
  const message = typeof expected === 'string' ? { errorMessage: `expected ${expected}` } : {};
  return { ...Object.fromEntries(published), ...message };
}

/** Schemas stand below these keywords; what stands below others is plain data. */
function publishInner(keyword: string, value: unknown): unknown {
  if (keyword === 'items') return publish(value as object);
  if (keyword === 'anyOf') return (value as readonly object[]).map(publish);
  if (keyword !== 'properties' && keyword !== 'patternProperties') return value;
  const inner = Object.entries(value as Readonly<Record<string, object>>);
  return Object.fromEntries(inner.map(([key, schema]) => [key, publish(schema)]));
}
