/** TLS sessions are resumed by every worker, whichever of them began them, and also after it has been replaced. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAuthority } from '../support/certificates.ts';
import { startGateway } from '../support/gateway.ts';
import { secureClient } from '../support/secure-client.ts';

const authority = await createAuthority();
const certificate = await authority.issue({ names: ['gateway.test'] });
const other = await authority.issue({ names: ['other.test'] });
const config = (...certificates: object[]): object => ({
  proxy: { tls: { certificates } },
  routes: [{ path: '/*', respond: { status: 204 } }],
});

for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`sessions outlive their workers and reloads (${maxVersion})`, async () => {
    const gateway = await startGateway({ workers: 2, config: config(certificate) });
    const begin = async (session?: Buffer): Promise<{ session: Buffer | undefined; isReused: boolean }> => {
      const client = await secureClient(gateway.port, { maxVersion, ...(session === undefined ? {} : { session }) });
      client.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      assert.equal((await client.response())?.status, 204);
      const result = { session: client.socket.getSession(), isReused: client.socket.isSessionReused() };
      client.destroy();
      return result;
    };
    const { session, isReused } = await begin();
    assert.equal(isReused, false);
    for (let i = 0; i < 8; i++) assert.equal((await begin(session)).isReused, true);

    const old = gateway.workers();
    gateway.signal('SIGUSR2');
    await gateway.log(({ msg }) => msg === 'all workers have been replaced');
    assert.ok(!gateway.workers().some((pid) => old.includes(pid)));
    assert.equal((await begin(session)).isReused, true);

    assert.equal(await gateway.reload(config(other, certificate)), 'accepted');
    assert.equal((await begin(session)).isReused, true);
  });
}
