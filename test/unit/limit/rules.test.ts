/** The limits of a config as rules: told apart in this config and in the next. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { LimitConfig } from '../../../src/contracts/config.ts';
import { RuleMaker } from '../../../src/limit/rules.ts';
import { parseList } from '../../support/structured-fields.ts';

const config: LimitConfig = { max: 5, windowMs: 60_000, key: 'client', message: null, mode: 'enforce' };

test('a rule is the same in the next config when its place and its key are', () => {
  const [one, two] = [new RuleMaker(), new RuleMaker()].map((make) => make.route(config, 'users'));
  assert.equal(one?.id, two?.id);
  const changed = new RuleMaker().route({ ...config, max: 9, windowMs: 7, message: 'm', mode: 'shadow' }, 'users');
  assert.equal(changed.id, one?.id);
  assert.notEqual(new RuleMaker().route({ ...config, key: 'ip' }, 'users').id, one?.id);
});

test('no two rules of a config have the same id, and none holds the sign that ends it', () => {
  const word = fc.constantFrom('a', 'a (2)', 'client', 'global', '|', '%7C', '%', ' ', 'route', 'ip route', 'path /a');
  const name = fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => words.join(''));
  const key = fc.constantFrom('client', 'ip', 'all', 'header:X-A', 'header:x|a', 'header:X%7ca');
  const limits = fc.array(fc.record({ name, key, isPath: fc.boolean() }), { maxLength: 8 });
  fc.assert(
    fc.property(limits, (all) => {
      const make = new RuleMaker();
      const ids = all.map(({ name: place, key: by, isPath }) => {
        const limit = { ...config, key: by };
        return isPath ? make.path({ ...limit, path: `/${place}` }).id : make.route(limit, place).id;
      });
      assert.equal(new Set(ids).size, ids.length);
      assert.ok(ids.every((id) => !id.includes('|')));
    }),
  );
});

test('the policy is an item of a structured field', () => {
  const make = new RuleMaker();
  const policies = [
    make.global({ ...config, max: 1_000_000_000, windowMs: 32 * 24 * 3_600_000 }),
    make.path({ ...config, path: '/größe/:id/*', windowMs: 1 }),
    make.route(config, 'any "route" at \\all'),
  ].map(({ policy }) => policy);
  assert.deepEqual(parseList(policies.join(', ')), [
    { value: 'global', parameters: { q: 1_000_000_000, w: 2_764_800 } },
    { value: '/gr%C3%B6%C3%9Fe/:id/*', parameters: { q: 5, w: 1 } },
    { value: 'route', parameters: { q: 5, w: 60 } },
  ]);
});

test('the key of a field is read in any case, and the field is looked for in lower case', () => {
  const make = new RuleMaker();
  assert.deepEqual(make.route({ ...config, key: 'header:X-Tenant' }, 'a').key, { kind: 'header', field: 'x-tenant' });
});
