/** Which descriptors are whose, by what a service manager says in the environment. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { takeInheritedSockets } from '../../../supervisor/inherited-sockets.ts';

const pid = 1234;
const given = (LISTEN_FDS: string, LISTEN_FDNAMES?: string) => ({
  PATH: '/bin',
  LISTEN_PID: String(pid),
  LISTEN_FDS,
  ...(LISTEN_FDNAMES === undefined ? {} : { LISTEN_FDNAMES }),
});

test('names tell them apart, and one alone is the proxy’s whatever its name', () => {
  for (const [env, proxy, admin] of [
    [given('2', 'proxy:admin'), 3, 4],
    [given('2', 'admin:proxy'), 4, 3],
    [given('1', 'sluice.socket'), 3, null],
    [given('1'), 3, null],
    [given('1', 'admin'), null, 3],
    [given('0', ''), null, null],
  ] as const)
    assert.deepEqual(takeInheritedSockets({ ...env }, pid), { proxy, admin });
});

test('what is meant for another process is left alone, and the environment is cleared for the children', () => {
  for (const env of [{ ...given('2', 'proxy:admin'), LISTEN_PID: '1' }, { LISTEN_FDS: '1' }, {}]) {
    const cleared: NodeJS.ProcessEnv = { PATH: '/bin', ...env };
    assert.deepEqual(takeInheritedSockets(cleared, pid), { proxy: null, admin: null });
    assert.deepEqual(cleared, { PATH: '/bin' });
  }
});

test('several that cannot be told apart block the start, with the names', () => {
  for (const names of ['a:b', 'proxy:proxy', 'proxy:admin:other', undefined]) {
    const count = names?.split(':').length ?? 2;
    assert.throws(
      () => takeInheritedSockets(given(String(count), names), pid),
      /^Error: \d sockets were handed over, named ".*: name one "proxy" and one "admin"/,
    );
  }
});
