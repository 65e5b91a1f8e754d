/** The guard at real sockets: what it lets begin, what it stops on the way, and what a new policy ends. */
import assert from 'node:assert/strict';
import { lookup } from 'node:dns';
import { once } from 'node:events';
import { type AddressInfo, createServer, type LookupFunction, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { AddressGuard } from '../../../src/upstream/address-guard.ts';
import { compileAddressPolicy } from '../../../src/upstream/address-policy.ts';
import { createConnector } from '../../../src/upstream/connector.ts';

const open = compileAddressPolicy({ allowedHosts: [], blockedIPs: [] });
const loopbackBlocked = compileAddressPolicy({ allowedHosts: [], blockedIPs: ['127.0.0.0/8', '::1'] });
const onlyNames = compileAddressPolicy({ allowedHosts: ['localhost'], blockedIPs: [] });

test('an address in the url is refused before a connection begins, in any spelling that node would connect to', async (t) => {
  const server = await listen(t);
  const guard = guardWith(loopbackBlocked);
  for (const hostname of ['127.0.0.1', '127.8.9.10', '0.0.0.0', '::ffff:127.0.0.1', '::ffff:0.0.0.0', '::', '::1']) {
    assert.equal(await outcome(guard, hostname, server.port), 'SLUICE_ADDRESS_BLOCKED', hostname);
  }
  assert.equal(server.accepted(), 0);
});

test('a name is refused by what it resolves to, and a host that is not listed is not even resolved', async (t) => {
  const server = await listen(t);
  assert.equal(await outcome(guardWith(loopbackBlocked), 'localhost', server.port), 'SLUICE_ADDRESS_BLOCKED');
  assert.equal(await outcome(guardWith(onlyNames), 'other.invalid', server.port), 'SLUICE_ADDRESS_BLOCKED');
  assert.equal(server.accepted(), 0);
  assert.equal(await outcome(guardWith(onlyNames), 'localhost', server.port), 'connected');
});

test('metadata addresses are refused before there is a policy', async () => {
  assert.equal(await outcome(new AddressGuard(silent), '169.254.169.254', 80), 'SLUICE_ADDRESS_BLOCKED');
});

test('a policy that comes while a name is being resolved holds for the answer', async (t) => {
  const server = await listen(t);
  const guard = guardWith(open);
  const ended = outcome(guard, 'localhost', server.port);
  guard.enforce(loopbackBlocked);
  assert.equal(await ended, 'SLUICE_ADDRESS_BLOCKED');
  assert.equal(server.accepted(), 0);
});

test('a policy that comes between the answer and the connection holds before anything is sent', async (t) => {
  const server = await listen(t);
  class LateGuard extends AddressGuard {
    override guardLookup(lookup: LookupFunction): LookupFunction {
      const guarded = super.guardLookup(lookup);
      return (hostname, options, callback) =>
        guarded(hostname, options, (...answer) => {
          callback(...answer);
          this.enforce(loopbackBlocked);
        });
    }
  }
  assert.equal(await outcome(new LateGuard(silent), 'localhost', server.port), 'SLUICE_ADDRESS_BLOCKED');
});

test('a new policy ends a socket that is still connecting when its host is refused', async () => {
  const guard = guardWith(open);
  // Nobody answers here (RFC 5737), or the network says so at once.
  const ended = outcome(guard, '192.0.2.1', 9);
  guard.enforce(onlyNames);
  assert.equal(await ended, 'SLUICE_ADDRESS_BLOCKED');
});

test('a new policy ends what is open and refused, and leaves the rest', async (t) => {
  const server = await listen(t);
  const guard = guardWith(open);
  const [named, literal] = await Promise.all([
    connectPast(guard, 'localhost', server.port),
    connectPast(guard, '127.0.0.1', server.port),
  ]);
  const ended = once(literal, 'error') as Promise<[NodeJS.ErrnoException]>;
  guard.enforce(onlyNames);
  assert.equal((await ended)[0].code, 'SLUICE_ADDRESS_BLOCKED');
  assert.ok(literal.destroyed);
  assert.ok(!named.destroyed);
  named.destroy();
});

test('the log hears once that an upstream is blocked, and again after it was reached in between', async (t) => {
  const server = await listen(t);
  const lines: string[] = [];
  const guard = new AddressGuard({ warn: (_fields, message) => void lines.push(message) });
  const blocked = (): number => lines.filter((line) => line.startsWith('upstream blocked')).length;
  guard.enforce(loopbackBlocked);
  for (let i = 0; i < 3; i++) await outcome(guard, 'localhost', server.port);
  assert.equal(blocked(), 1);
  guard.enforce(open);
  assert.equal(await outcome(guard, 'localhost', server.port), 'connected');
  guard.enforce(loopbackBlocked);
  for (let i = 0; i < 3; i++) await outcome(guard, 'localhost', server.port);
  assert.equal(blocked(), 2);
});

const silent = { warn: () => {} };

function guardWith(policy: typeof open): AddressGuard {
  const guard = new AddressGuard(silent);
  guard.enforce(policy);
  return guard;
}

function connectPast(guard: AddressGuard, hostname: string, port: number): Promise<Socket> {
  const connector = createConnector({ upstream: 'api', guard, lookup, connectMs: 2_000, dnsMs: 2_000, tls: null });
  const target = { hostname, host: `${hostname}:${port}`, protocol: 'http:', port: String(port) };
  return new Promise((resolve, reject) => {
    connector(target, (error, socket) => (error === null ? resolve(socket) : reject(error)));
  });
}

/** An error's code, or "connected". */
async function outcome(guard: AddressGuard, hostname: string, port: number): Promise<string> {
  try {
    (await connectPast(guard, hostname, port)).destroy();
    return 'connected';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

async function listen(t: TestContext): Promise<{ port: number; accepted: () => number }> {
  let accepted = 0;
  const server = createServer((socket) => {
    accepted++;
    socket.on('error', () => {});
  }).listen(0, '0.0.0.0');
  t.after(() => server.close());
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, accepted: () => accepted };
}
