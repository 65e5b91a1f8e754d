/** The values of `format` that are checked: all of JSON Schema 2020-12. */
import * as library from 'typebox/format';
import type { FormatName } from './keywords.ts';

const tests: { readonly [F in FormatName]: (text: string) => boolean } = {
  'date-time': library.IsDateTime,
  date: library.IsDate,
  time: (text: string) => library.IsTime(text),
  duration: library.IsDuration,
  email: library.IsEmail,
  'idn-email': library.IsIdnEmail,
  hostname: library.IsHostname,
  'idn-hostname': library.IsIdnHostname,
  ipv4: library.IsIPv4,
  ipv6: library.IsIPv6,
  uri: library.IsUri,
  'uri-reference': library.IsUriReference,
  'uri-template': library.IsUriTemplate,
  iri: library.IsIri,
  'iri-reference': library.IsIriReference,
  uuid: library.IsUuid,
  'json-pointer': library.IsJsonPointer,
  'relative-json-pointer': library.IsRelativeJsonPointer,
  regex: library.IsRegex,
};

export const formats: ReadonlyMap<string, (text: string) => boolean> = new Map(Object.entries(tests));
