/** Which media types a body may have: `application/json`, `text/*`, `application/*+json` (RFC 9110, section 8.3). */

const token = "[!#$%&'*+.^_`|~0-9a-zA-Z-]+";
const essence = new RegExp(`^(${token})/(${token})$`);
const parameter = new RegExp(`[ \\t]*;[ \\t]*(?:(${token})=(${token}|"(?:[^"\\\\]|\\\\.)*"))?`, 'y');

/** Names of the one encoding that JSON has, and of its part that is ASCII. */
const jsonCharsets: ReadonlySet<string> = new Set(['utf-8', 'utf8', 'us-ascii', 'ascii']);

/** Null: it can be the entry of a list; else what is wrong with it. */
export function findMediaRangeFault(range: string): string | null {
  const [, type = '', subtype = ''] = essence.exec(range) ?? [];
  if (type === '') return 'is no media type';
  const isFine = (type === '*' && subtype === '*') || (!type.includes('*') && /^(\*|\*\+[^*]+|[^*]+)$/.test(subtype));
  return isFine ? null : 'has "*" where it means nothing';
}

export interface MediaTypes {
  /** `contentType`: the field as sent. */
  judge(contentType: string): 'allowed' | 'other type' | 'other charset';
}

/** `ranges` in lower case. `isJson`: the bodies are read as JSON, so that another charset would be read wrongly. */
export function compileMediaTypes(ranges: readonly string[], isJson: boolean): MediaTypes {
  const exact = new Set(ranges.filter((range) => !range.includes('*')));
  const patterns = ranges.filter((range) => range.includes('*')).map(compileRange);
  const matches = (type: string): boolean => exact.has(type) || patterns.some((pattern) => pattern(type));
  return {
    judge(contentType) {
      if (exact.has(contentType)) return 'allowed';
      const semicolon = contentType.indexOf(';');
      const type = (semicolon === -1 ? contentType : contentType.slice(0, semicolon)).trimEnd().toLowerCase();
      if (!essence.test(type) || !matches(type)) return 'other type';
      if (semicolon === -1) return 'allowed';
      const charset = readCharset(contentType.slice(semicolon));
      if (charset === null) return 'other type';
      return !isJson || charset === '' || jsonCharsets.has(charset) ? 'allowed' : 'other charset';
    },
  };
}

function compileRange(range: string): (type: string) => boolean {
  if (range === '*/*') return () => true;
  const [start = '', suffix = ''] = range.split('*');
  return (type) => type.startsWith(start) && type.endsWith(suffix) && type.length > start.length + suffix.length;
}

/** In lower case; empty: none is named. Null: the parameters are malformed, or name several. */
function readCharset(parameters: string): string | null {
  let charset = '';
  const rest = parameters.trimEnd();
  parameter.lastIndex = 0;
  for (let at = 0; at < rest.length; at = parameter.lastIndex) {
    const found = parameter.exec(rest);
    if (found === null) return null;
    const [, name = '', value = ''] = found;
    if (name.toLowerCase() !== 'charset') continue;
    if (charset !== '') return null;
    charset = value.replace(/^"|"$/g, '').toLowerCase();
  }
  return charset;
}
