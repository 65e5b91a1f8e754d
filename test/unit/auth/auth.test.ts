/** What routes ask of clients, for every scheme and every requirement, enforced and in shadow mode. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Auth, compileAuth, compileConsumers } from '../../../src/auth/auth.ts';
import { createKeyDigest } from '../../../src/auth/key-digest.ts';
import type { Stage } from '../../../src/contracts/compiled.ts';
import type { AuthConfig, AuthRequirement, Mode } from '../../../src/contracts/config.ts';
import { apiKeyConfig, exchangeWith } from './exchange-with.ts';

/** For every scheme: the config, and fields that show what the name says. */
const schemes: {
  readonly [T in AuthConfig['type']]: {
    readonly config: Extract<AuthConfig, { type: T }>;
    readonly field: string;
    readonly good: readonly string[];
    readonly wrong: readonly string[];
  };
} = {
  apiKey: {
    config: apiKeyConfig({ keys: [{ key: createKeyDigest(null)('good'), name: 'Client A' }] }),
    field: 'x-api-key',
    good: ['X-API-Key', 'good'],
    wrong: ['X-API-Key', 'wrong'],
  },
};

for (const [type, { config, field, good, wrong }] of Object.entries(schemes)) {
  const auth = await compileAuth(config, 'none');

  test(`${type}: required wants it, optional takes it, none does not ask`, () => {
    assert.deepEqual(outcomes(auth, 'required'), ['passes as Client A', '401 missing', '401 unknown']);
    assert.deepEqual(outcomes(auth, 'optional'), ['passes as Client A', 'passes as nobody', '401 unknown']);
    assert.equal(stage(auth, 'none'), null);
  });

  test(`${type}: in shadow mode all pass, the known are named, and the refusal is noted`, async () => {
    const passed = [
      'passes as Client A',
      'passes as nobody, noted unauthorized',
      'passes as nobody, noted unauthorized',
    ];
    assert.deepEqual(outcomes(auth, 'required', 'shadow'), passed);
    assert.deepEqual(outcomes(auth, 'optional', 'shadow'), ['passes as Client A', 'passes as nobody', passed[2]]);
    assert.equal(stage(auth, 'none', 'shadow'), null);
    assert.deepEqual(outcomes(await compileAuth({ ...config, mode: 'shadow' }, 'none'), 'required'), passed);
  });

  test(`${type}: a route that says nothing does as the default says`, async () => {
    assert.equal(auth.stageOf({ auth: null }), null);
    const closed = await compileAuth({ ...config, default: 'required' }, 'none');
    assert.equal(run(closed.stageOf({ auth: null }), []), '401 missing');
    assert.equal(stage(closed, 'none'), null);
  });

  test(`${type}: refusals are 401 with a challenge, and say nothing of what was shown`, () => {
    const refused = stage(auth, 'required')?.(exchangeWith(wrong));
    assert.equal(refused?.status, 401);
    assert.equal(refused.headers[0], 'WWW-Authenticate');
    assert.doesNotMatch(JSON.stringify(refused), /wrong/);
  });

  test(`${type}: its field is known, so that it can be kept back`, () => assert.equal(auth.keyField, field));

  const outcomes = (of: Auth, require: AuthRequirement, mode: Mode = 'enforce'): string[] =>
    [good, [], wrong].map((rawHeaders) => run(stage(of, require, mode), rawHeaders));
}

test('without a scheme required is closed to all, and optional knows nobody', async () => {
  const auth = await compileAuth(null, 'none');
  assert.equal(run(stage(auth, 'required'), ['X-API-Key', 'any']), '401 missing');
  assert.equal(run(stage(auth, 'optional'), ['X-API-Key', 'any']), 'passes as nobody');
  assert.equal(auth.stageOf({ auth: null }), null);
  assert.equal(auth.keyField, null);
});

test('consumers: the named may come, others and strangers may not', () => {
  const consumers = compileConsumers({ allow: ['Client A'], mode: 'enforce' });
  assert.equal(run(consumers, [], 'Client A'), 'passes as Client A');
  assert.equal(run(consumers, [], 'Client B'), '403 forbidden');
  assert.equal(run(consumers, []), '403 forbidden');
  assert.equal(run(compileConsumers({ allow: [], mode: 'enforce' }), [], 'Client A'), '403 forbidden');
  assert.equal(compileConsumers(null), null);
});

test('consumers in shadow mode let pass, and note it behind what others have noted', () => {
  const x = exchangeWith([]);
  x.shadow = ['unauthorized'];
  assert.equal(compileConsumers({ allow: ['Client A'], mode: 'shadow' })?.(x), null);
  assert.deepEqual(x.shadow, ['unauthorized', 'forbidden']);
});

function stage(auth: Auth, require: AuthRequirement, mode: Mode = 'enforce'): Stage | null {
  return auth.stageOf({ auth: { require, mode } });
}

function run(stage: Stage | null, rawHeaders: readonly string[], consumer = ''): string {
  const x = exchangeWith(rawHeaders);
  x.consumer = consumer;
  const refused = stage === null ? null : stage(x);
  if (refused !== null) return `${refused.status} ${refused.authFailure}`;
  const noted = x.shadow.length === 0 ? '' : `, noted ${x.shadow.join()}`;
  return `passes as ${x.consumer === '' ? 'nobody' : x.consumer}${noted}`;
}
