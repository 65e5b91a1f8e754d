/** The JSON Schema that editors get: the format's own, without the notes that only this program reads. */
import { ConfigFileSchema } from './schema.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export function publishSchema(): { readonly [key: string]: Json } {
  const schema = JSON.parse(JSON.stringify(ConfigFileSchema)) as Json;
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    ...(publish(schema) as { readonly [key: string]: Json }),
  };
}

/** As it is stored in config/proxy.schema.json and printed by `sluice schema`. */
export function formatSchema(): string {
  return `${JSON.stringify(publishSchema(), null, 2)}\n`;
}

const ownNotes: ReadonlySet<string> = new Set(['leaf', 'choices', 'anyShape', 'expected']);

function publish(value: Json): Json {
  if (Array.isArray(value)) return value.map(publish);
  if (typeof value !== 'object' || value === null) return value;
  const map = value as { readonly [key: string]: Json };
  // Among the properties of a map, "expected" would be a key of the config.
  const isSchema = 'type' in map || 'anyOf' in map || 'enum' in map;
  const entries = Object.entries(map)
    .filter(([key]) => !(isSchema && ownNotes.has(key)))
    .map(([key, inner]) => [key, key === 'default' || key === 'enum' ? inner : publish(inner)] as const);
  // Editors show this in place of "does not match the pattern".
  const message =
    isSchema && typeof map['expected'] === 'string' ? [['errorMessage', `expected ${map['expected']}`] as const] : [];
  return Object.fromEntries([...entries, ...message]);
}
