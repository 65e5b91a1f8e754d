/** Digests of keys: the HMAC-SHA256 and SHA-256 of everybody else. */
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { createKeyDigest, maxKeyBytes } from '../../../src/auth/key-digest.ts';

const keys = fc.uint8Array({ maxLength: maxKeyBytes, size: 'max' }).map((bytes) => Buffer.from(bytes));
const secrets = fc.string({ unit: 'grapheme', maxLength: 200, size: 'max' });

test('with a secret it is HMAC-SHA256, for secrets shorter and longer than a block', () => {
  fc.assert(
    fc.property(secrets, fc.array(keys, { minLength: 1, maxLength: 4 }), (secret, some) => {
      const digestOf = createKeyDigest(secret);
      // One after the other: nothing of a longer key may stay behind for a shorter one.
      for (const key of some) {
        assert.equal(digestOf(key.toString('latin1')), createHmac('sha256', secret).update(key).digest('hex'));
      }
    }),
  );
});

test('a secret that fills a block, and one that is a byte longer', () => {
  for (const length of [63, 64, 65]) {
    const secret = 's'.repeat(length);
    assert.equal(createKeyDigest(secret)('key'), createHmac('sha256', secret).update('key').digest('hex'));
  }
});

test('without a secret it is SHA-256', () => {
  const digestOf = createKeyDigest(null);
  fc.assert(
    fc.property(keys, (key) => {
      assert.equal(digestOf(key.toString('latin1')), createHash('sha256').update(key).digest('hex'));
    }),
  );
});

test('a key is never cut, which would let two have one digest', () => {
  for (const secret of [null, 'secret']) {
    assert.throws(() => createKeyDigest(secret)('k'.repeat(maxKeyBytes + 1)), RangeError);
  }
});
