/** JSON that all parsers read alike: what JSON.parse takes and every parser agrees on passes, everything else is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { deepest, findJsonFault } from '../../../src/validate/strict-json.ts';

const fine: readonly string[] = [
  '{}',
  ' [ ] ',
  '\t{ "a" : [ 1 , -0 , 0.5e-7 , 1E+2 , true , false , null , "x" ] }\r\n',
  '"a\\u0041\\n\\/\\"\\\\\\b\\f\\r\\t"',
  '"\\ud83d\\ude00 😀"',
  '{"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]}',
  '{"constructor":"x","prototype":{}}',
  '{"constructor":{"proto":1}}',
  '{"":1}',
  '1e308',
  '1e-400',
  `${'9'.repeat(308)}`,
  '12345678901234567890',
];

for (const text of fine) {
  test(`passes: ${text.slice(0, 60)}`, () => {
    assert.equal(faultOf(text), null);
    JSON.parse(text);
  });
}

const wrong: readonly (readonly [what: string, bytes: string | Buffer, path: string, message: RegExp])[] = [
  ['nothing', '', '', /^is empty$/],
  ['space only', '  ', '', /at byte 2$/],
  ['a word', 'nul', '', /at byte 0$/],
  ['two values', '{} {}', '', /at byte 3$/],
  ['a comma too many', '[1,]', '', /at byte 3$/],
  ['a comma too many in an object', '{"a":1,}', '', /at byte 7$/],
  ['no colon', '{"a" 1}', '', /at byte 5$/],
  ['a name without quotes', '{a:1}', '', /at byte 1$/],
  ['single quotes', "{'a':1}", '', /at byte 1$/],
  ['a comment', '[1] // x', '', /at byte 4$/],
  ['a zero before a number', '01', '', /at byte 1$/],
  ['a plus', '+1', '', /at byte 0$/],
  ['no digit behind the point', '1.', '', /at byte 2$/],
  ['NaN', 'NaN', '', /at byte 0$/],
  ['a hex number', '0x10', '', /at byte 1$/],
  ['a line break in a text', '"a\nb"', '', /at byte 2$/],
  ['a NUL', '"a\0b"', '', /at byte 2$/],
  ['an unknown escape', '"\\x41"', '', /at byte 1$/],
  ['a short escape', '"\\u12"', '', /at byte 1$/],
  ['a text without an end', '"abc', '', /at byte 4$/],
  ['an array without an end', '[[1]', '', /at byte 4$/],
  ['the wrong bracket', '[1}', '', /at byte 2$/],
  ['a form feed as space', '\f[]', '', /at byte 0$/],
  ['a no-break space', '\u00a0[]', '', /at byte 0$/],
  ['a byte order mark', '\ufeff{}', '', /byte order mark/],
  ['a byte that is no UTF-8', Buffer.from([0x22, 0xff, 0x22]), '', /UTF-8/],
  ['an overlong slash', Buffer.from([0x22, 0xc0, 0xaf, 0x22]), '', /UTF-8/],
  ['a surrogate as bytes', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), '', /UTF-8/],
  ['half a character', '{"a":"\\ud83d"}', '/a', /surrogate/],
  ['the second half alone', '"\\ude00"', '', /surrogate/],
  ['two first halves', '"\\ud83d\\ud83d"', '', /surrogate/],
  ['half a character in a name', '{"\\ud83d":1}', '', /surrogate/],
  ['a name twice', '{"a":1,"b":2,"a":3}', '/a', /twice/],
  ['a name twice, once escaped', '[{"x":[0,{"role":1,"r\\u006fle":2}]}]', '/0/x/1/role', /twice/],
  ['a name twice, both escaped', '{"\\u0061":1,"\\u0061":1}', '/a', /twice/],
  ['the empty name twice', '{"":1,"":2}', '/', /twice/],
  ['a name beyond ASCII twice', '{"ä":1,"\\u00e4":2}', '/ä', /twice/],
  ['a name twice among many', `{${names(40)},"n3":1}`, '/n3', /twice/],
  ['the thirteenth name twice', `{${names(12)},"n11":1}`, '/n11', /twice/],
  ['__proto__', '{"a":[{"__proto__":{}}]}', '/a/0/__proto__', /not allowed/],
  ['__proto__ in escapes', '{"__pr\\u006fto__":{}}', '/__proto__', /not allowed/],
  ['constructor.prototype', '{"constructor":{"x":1,"prototype":{}}}', '/constructor/prototype', /not allowed/],
  ['a number beyond a double', '{"a":[1,1e309]}', '/a/1', /too large/],
  ['a long number beyond a double', `-${'9'.repeat(400)}`, '', /too large/],
];

for (const [what, bytes, path, message] of wrong) {
  test(`refuses ${what}`, () => {
    const fault = faultOf(bytes);
    assert.equal(fault?.path, path);
    assert.match(fault?.message ?? '', message);
  });
}

test(`passes ${deepest} levels and refuses one more, in any mixture`, () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: deepest + 1, maxLength: deepest + 1 }), (levels) => {
      const nest = (count: number): string =>
        levels.slice(0, count).reduce((inner, isArray) => (isArray ? `[${inner}]` : `{"a":${inner}}`), '1');
      assert.equal(faultOf(nest(deepest)), null);
      assert.match(faultOf(nest(deepest + 1))?.message ?? '', /deeper than 64/);
    }),
    { numRuns: 50 },
  );
});

test('a million brackets are refused without recursion', () => {
  assert.match(faultOf('['.repeat(1_000_000))?.message ?? '', /deeper/);
});

test('says yes and no as JSON.parse does, whatever is done to a text', () => {
  const text = fc.oneof(
    fc.json({ maxDepth: 4 }),
    fc.string({ unit: fc.constantFrom(...'[]{}",:.0123456789eE+- \\ntrufalsn\u00e4\n'.split('')), maxLength: 20 }),
    fc.tuple(fc.json({ maxDepth: 2 }), fc.nat(), fc.string({ maxLength: 2 })).map(([json, at, with_]) => {
      const i = at % (json.length + 1);
      return json.slice(0, i) + with_ + json.slice(i + 1);
    }),
  );
  fc.assert(
    fc.property(text, (json) => {
      const fault = faultOf(json);
      const parses = canParse(json);
      if (fault === null) assert.ok(parses);
      // What JSON.parse also takes is refused only for a reason of our own.
      else if (parses) assert.match(fault.message, /twice|surrogate|not allowed|too large|deeper/);
      else assert.match(fault.message, /not valid JSON|is empty|surrogate|twice|not allowed|too large/);
    }),
    { numRuns: 5_000 },
  );
});

test('finds a name that comes twice exactly when the decoded names repeat', () => {
  const name = fc.constantFrom(
    'a',
    'b',
    'role',
    'ä',
    '😀',
    'x'.repeat(20),
    ...Array.from({ length: 20 }, (_, i) => `n${i}`),
  );
  const spelling = fc
    .tuple(name, fc.boolean())
    .map(([text, isEscaped]) => ({ text, json: isEscaped ? escapeAll(text) : JSON.stringify(text) }));
  fc.assert(
    fc.property(fc.array(spelling, { maxLength: 30 }), (members) => {
      const isTwice = new Set(members.map(({ text }) => text)).size < members.length;
      const fault = faultOf(`[{${members.map(({ json }) => `${json}:{"a":1}`).join()}}]`);
      assert.equal(fault !== null, isTwice);
    }),
    { numRuns: 2_000 },
  );
});

test('an object of a hundred thousand names costs no more than many small ones', () => {
  const count = 100_000;
  assert.equal(faultOf(`{${names(count)}}`), null);
});

function names(count: number): string {
  return Array.from({ length: count }, (_, i) => `"n${i}":0`).join();
}

function escapeAll(text: string): string {
  return `"${[...Array(text.length).keys()].map((i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`).join('')}"`;
}

function faultOf(json: string | Buffer): { path: string; message: string } | null {
  return findJsonFault(typeof json === 'string' ? Buffer.from(json) : json);
}

function canParse(json: string): boolean {
  try {
    // As the bytes say it: a text with half a character can't be sent.
    JSON.parse(Buffer.from(json).toString());
    return true;
  } catch {
    return false;
  }
}
