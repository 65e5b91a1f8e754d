/** Ids of requests: whose are kept, and what new ones are like. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHexSource } from '../../../src/core/random-ids.ts';
import { newRequestId, takeRequestId } from '../../../src/core/request-id.ts';

test('a well-formed id is kept', () => {
  const ids = [
    'a',
    '0'.repeat(128),
    '6f1c1e9e-2f0b-4d3a-9a59-0f2c7e3f6b11',
    '01ARZ3NDEKTSV4RRFFQ69G5FAV',
    'a+b/c==',
    'svc:1.2~3_4@x#5',
  ];
  for (const id of ids) assert.equal(takeRequestId(id), id);
});

test('an id that is empty, too long, or holds what could mean something elsewhere is replaced', () => {
  const ids = [
    '',
    '0'.repeat(129),
    'a b',
    'a,b',
    'a;b',
    'a"b',
    "a'b",
    'a\\b',
    'a<b',
    'a>b',
    'a`b',
    'a\tb',
    'a\x7f',
    'caf\xe9',
    '\u0131',
  ];
  for (const id of ids) assert.match(takeRequestId(id), /^[0-9a-f]{32}$/, JSON.stringify(id));
});

test('new ids differ, also beyond one pool of random bytes', () => {
  const ids = new Set(Array.from({ length: 10_000 }, newRequestId));
  assert.equal(ids.size, 10_000);
  for (const id of ids) assert.match(id, /^[0-9a-f]{32}$/);
});

test('an id is never all zero, and no random byte is used twice', () => {
  let fills = 0;
  const nextHex = createHexSource((bytes) => bytes.fill(fills++ === 0 ? 0 : 0xab));
  assert.equal(nextHex(16), 'ab'.repeat(8));
  let next = 0;
  const counting = createHexSource((bytes) => bytes.forEach((_, i) => bytes.writeUInt8(next++ % 251, i)));
  assert.equal(counting(4), '0001');
  assert.equal(counting(8), '02030405');
});
