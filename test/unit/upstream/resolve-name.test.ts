/** Where the addresses of a name come from. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createNameResolver } from '../../../src/upstream/resolve-name.ts';
import { startDnsServer } from '../../support/dns-server.ts';

const server = await startDnsServer();
const resolve = createNameResolver([server.address]);
server.names.set('both.test', ['192.0.2.1', '192.0.2.2', '2001:db8::1']);
server.names.set('six.test', ['2001:db8::6']);

test('servers are asked for both families, and their TTL is told', async () => {
  server.ttl = 77;
  const { addresses, askTtlMs } = await resolve('both.test');
  assert.deepEqual(addresses, [
    { address: '192.0.2.1', family: 4 },
    { address: '192.0.2.2', family: 4 },
    { address: '2001:db8::1', family: 6 },
  ]);
  assert.equal(await askTtlMs(), 77_000);
  assert.deepEqual((await resolve('six.test')).addresses, [{ address: '2001:db8::6', family: 6 }]);
});

test('localhost is never asked about, and a name that they do not have is looked up by the system', async () => {
  assert.ok((await resolve('localhost')).addresses.length > 0);
  assert.ok(!server.questions.some((question) => question.includes('localhost')));
  await assert.rejects(resolve('nobody.invalid'), { code: /ENOTFOUND|EAI_AGAIN/ });
  assert.ok(server.questions.includes('A nobody.invalid'));
});

test('a server that fails is an error, not a name that is gone', async () => {
  server.mood = 'fails';
  await assert.rejects(resolve('both.test'), { code: 'ESERVFAIL' });
  server.mood = 'answers';
});

test('the system knows its hosts file, and nobody tells how long that holds', async () => {
  const { addresses, askTtlMs } = await createNameResolver([])('localhost');
  assert.ok(addresses.some(({ address }) => address === '127.0.0.1' || address === '::1'));
  assert.equal(await askTtlMs(), null);
});
