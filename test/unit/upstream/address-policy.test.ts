/** Which addresses of a resolver's answer may be connected to, and that those are the ones which are. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type LookupFunction } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type AddressPolicy, compileAddressPolicy, guardLookup } from '../../../src/upstream/address-policy.ts';

const policy = (blockedIPs: string[], allowedHosts: string[] = []): AddressPolicy =>
  compileAddressPolicy({ allowedHosts, blockedIPs });

test('addresses are refused as hosts in either form, and names only by the list', () => {
  const { refuseHost } = policy(['10.0.0.0/8', 'fc00::/7'], ['good.test', '10.1.2.3', '::ffff:10.1.2.3', 'fc00::1']);
  for (const host of ['10.1.2.3', '::ffff:10.1.2.3', '[::ffff:a01:203]', 'fc00::1', '[fc00::1]', 'bad.test']) {
    assert.equal(refuseHost(host)?.code, 'SLUICE_ADDRESS_BLOCKED', host);
  }
  assert.equal(refuseHost('good.test'), null);
  assert.equal(policy([]).refuseHost('bad.test'), null);
});

test('blocked addresses are dropped from an answer, and the others stay in their order', async () => {
  const lookup = answering([['10.0.0.1', '192.0.2.1', '::ffff:10.0.0.2', '2001:db8::1']]);
  const guarded = guardLookup(lookup, policy(['10.0.0.0/8']).refuseAddress);
  assert.deepEqual(await resolve(guarded, true), [
    { address: '192.0.2.1', family: 4 },
    { address: '2001:db8::1', family: 6 },
  ]);
  assert.equal(await resolve(guarded, false), '192.0.2.1');
});

test('an answer of nothing but blocked addresses is an error that names them for the log', async () => {
  const guarded = guardLookup(answering([['10.0.0.1', '169.254.169.254']]), policy(['10.0.0.0/8']).refuseAddress);
  for (const all of [true, false]) {
    await assert.rejects(resolve(guarded, all), {
      code: 'SLUICE_ADDRESS_BLOCKED',
      message: 'rebind.test resolves to 10.0.0.1, 169.254.169.254, which must not be reached',
    });
  }
});

test('what the resolver says about its own failures is passed on', async () => {
  const failing: LookupFunction = (_hostname, _options, callback) => {
    callback(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }), []);
  };
  await assert.rejects(resolve(guardLookup(failing, policy([]).refuseAddress), true), { code: 'ENOTFOUND' });
});

for (const autoSelectFamily of [true, false]) {
  test(`a name is asked about once for a connection, and the checked address is the one connected to (autoSelectFamily: ${autoSelectFamily})`, async (t) => {
    // The first answer is harmless; a second one, had anybody asked again, would lead inside.
    const asked: string[] = [];
    const lookup = answering([['127.0.0.1'], ['127.0.0.2']], asked);
    const guarded = guardLookup(lookup, policy(['127.0.0.2']).refuseAddress);
    const port = await listen(t);
    const first = connect({ host: 'rebind.test', port, lookup: guarded, autoSelectFamily });
    await once(first, 'connect');
    assert.equal(first.remoteAddress, '127.0.0.1');
    assert.deepEqual(asked, ['rebind.test']);
    first.destroy();
    // The next connection is judged by what the name says then.
    const second = connect({ host: 'rebind.test', port, lookup: guarded, autoSelectFamily });
    const [error] = (await once(second, 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'SLUICE_ADDRESS_BLOCKED');
  });
}

/** Gives one answer after the other, the last one again and again. */
function answering(answers: readonly (readonly string[])[], asked: string[] = []): LookupFunction {
  return (hostname, _options, callback) => {
    const addresses = answers[Math.min(asked.length, answers.length - 1)] ?? [];
    asked.push(hostname);
    const list = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    setImmediate(() => callback(null, list));
  };
}

function resolve(lookup: LookupFunction, all: boolean): Promise<unknown> {
  return new Promise((answer, reject) => {
    lookup('rebind.test', { all }, (error, address) => (error === null ? answer(address) : reject(error)));
  });
}

async function listen(t: TestContext): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => {})).listen(0, '0.0.0.0');
  t.after(() => server.close());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
