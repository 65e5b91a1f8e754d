/** Reads structured fields (RFC 9651) as strictly as the RFC does, as far as tests need them: lists of strings with integers as parameters. */

export interface Item {
  readonly value: string;
  readonly parameters: Readonly<Record<string, number>>;
}

/** Throws what is wrong. */
export function parseList(text: string): Item[] {
  const items: Item[] = [];
  for (let rest = text; ; ) {
    const item = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"/.exec(rest);
    if (item === null) throw new Error(`no string at ${JSON.stringify(rest)} of ${JSON.stringify(text)}`);
    rest = rest.slice(item[0].length);
    const parameters: Record<string, number> = {};
    for (let found = parameter.exec(rest); found !== null; found = parameter.exec(rest)) {
      const [whole, key = '', value = ''] = found;
      if (key in parameters) throw new Error(`the parameter ${key} is there twice in ${JSON.stringify(text)}`);
      parameters[key] = Number(value);
      rest = rest.slice(whole.length);
    }
    items.push({ value: (item[1] ?? '').replace(/\\(.)/g, '$1'), parameters });
    if (rest === '') return items;
    const comma = /^[ \t]*,[ \t]*(?=.)/.exec(rest);
    if (comma === null)
      throw new Error(`neither a comma nor the end at ${JSON.stringify(rest)} of ${JSON.stringify(text)}`);
    rest = rest.slice(comma[0].length);
  }
}

const parameter = /^; *([a-z*][a-z0-9_.*-]*)=(-?\d{1,15})(?![\d.])/;
