/** Client certificates: who may connect, whom the CN names, and what that is worth on routes that ask who a client is. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { ConnectionOptions } from 'node:tls';
import { createAuthority, pemOf } from '../support/certificates.ts';
import { eventually } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';
import { metric } from '../support/metric.ts';
import { recordingUpstream } from '../support/recording-upstream.ts';
import { askSecurely, secureClient } from '../support/secure-client.ts';

const authority = await createAuthority();
const others = await createAuthority('Somebody Else');
const server = await authority.issue({ names: ['gateway.test'] });
const clientA = pemOf(await authority.issue({ commonName: 'Client A' }));
const clientB = pemOf(await authority.issue({ commonName: 'Client B' }));
const nameless = pemOf(await authority.issue({ commonName: 'Zoë' }));
const expired = pemOf(await authority.issue({ commonName: 'Client A', expired: true }));
const foreign = pemOf(await others.issue({ commonName: 'Client A' }));
const serverOnly = pemOf(await authority.issue({ commonName: 'Client A', usage: 'serverAuth' }));

const upstream = await recordingUpstream();
const routes = [
  { path: '/open', upstream: 'api' },
  { path: '/known', upstream: 'api', auth: 'required' },
  { path: '/optional', upstream: 'api', auth: 'optional' },
  { path: '/a', upstream: 'api', auth: 'required', consumers: ['Client A'] },
  { path: '/a-unasked', upstream: 'api', consumers: ['Client A'] },
  { path: '/shadow', upstream: 'api', auth: { require: 'required', mode: 'shadow' } },
];
const config = (clientAuth: string, more: object = {}, clientCa = authority.ca): object => ({
  proxy: { tls: { certificates: [server], clientCa, clientAuth }, timeouts: { headers: 2_000 } },
  upstreams: [{ name: 'api', url: upstream.url }],
  routes,
  ...more,
});
const keys = {
  security: {
    auth: {
      type: 'apiKey',
      keys: [{ name: 'Key Holder', key: createHash('sha256').update('the-key').digest('hex') }],
    },
  },
};
const key = 'X-API-Key: the-key\r\n';

const required = await startGateway({ config: config('required') });
const optional = await startGateway({ config: config('optional') });
const withKeys = await startGateway({ config: config('optional', keys) });

const get = (path: string, fields = ''): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;

/** The status, or that there was no answer: with TLS 1.3 a client learns of a refused certificate only then. */
async function outcome(
  { port }: { port: number },
  path: string,
  options: ConnectionOptions,
  fields = '',
): Promise<number | 'no answer'> {
  try {
    return (await askSecurely(port, get(path, fields), options)).status;
  } catch {
    return 'no answer';
  }
}

/** What a client can resume, after a request: with TLS 1.3 tickets come behind the handshake. */
async function sessionOf(port: number, options: ConnectionOptions): Promise<Buffer> {
  const client = await secureClient(port, options);
  client.write(get('/open'));
  assert.equal((await client.response())?.status, 200);
  const session = client.socket.getSession();
  client.destroy();
  assert.ok(session !== undefined);
  return session;
}

/** X-Consumer-Name of the last request to the path. */
function namedAs(path: string): string | null | undefined {
  return upstream.requestsTo(path).at(-1)?.header('x-consumer-name');
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  const speak = { minVersion: version, maxVersion: version };
  for (const [who, certificate] of Object.entries({ expired, foreign, 'for servers only': serverOnly })) {
    test(`a certificate that is ${who} never gets in (${version})`, async () => {
      const before = upstream.requests.length;
      assert.equal(await outcome(required, '/open', { ...certificate, ...speak }), 'no answer');
      assert.equal(await outcome(optional, '/open', { ...certificate, ...speak }), 'no answer');
      assert.equal(upstream.requests.length, before);
    });
  }

  test(`without a certificate \`required\` lets nobody in, \`optional\` everybody (${version})`, async () => {
    assert.equal(await outcome(required, '/open', speak), 'no answer');
    assert.equal(await outcome(optional, '/open', speak), 200);
    assert.equal(namedAs('/open'), null);
  });

  test(`a good certificate gets in, and its CN names the consumer (${version})`, async () => {
    for (const gateway of [required, optional]) {
      assert.equal(await outcome(gateway, '/open', { ...clientA, ...speak }), 200);
      assert.equal(namedAs('/open'), 'Client A');
    }
  });
}

test('`auth: required` is content with a certificate that names somebody', async () => {
  assert.equal(await outcome(optional, '/known', clientA), 200);
  assert.equal(namedAs('/known'), 'Client A');
  assert.equal(await outcome(optional, '/known', nameless), 401);
  assert.equal(await outcome(optional, '/known', {}), 401);
  const answer = await askSecurely(optional.port, get('/known'));
  assert.match(String(answer.json()['detail']), /client certificate/);
});

test('consumers are those that certificates name', async () => {
  for (const path of ['/a', '/a-unasked']) {
    assert.equal(await outcome(optional, path, clientA), 200, path);
    assert.equal(await outcome(optional, path, clientB), 403, path);
  }
  assert.equal(await outcome(optional, '/a-unasked', {}), 403);
});

test('a client can not name itself in a field', async () => {
  await outcome(optional, '/open', clientA, 'X-Consumer-Name: Client B\r\n');
  assert.equal(namedAs('/open'), 'Client A');
  await outcome(optional, '/open', {}, 'X-Consumer-Name: Client B\r\n');
  assert.equal(namedAs('/open'), null);
});

test('where keys are known, a certificate is as good as one', async () => {
  assert.equal(await outcome(withKeys, '/known', clientA), 200);
  assert.equal(namedAs('/known'), 'Client A');
  assert.equal(await outcome(withKeys, '/known', {}, key), 200);
  assert.equal(namedAs('/known'), 'Key Holder');
  assert.equal(await outcome(withKeys, '/known', {}), 401);
});

test('of both the key counts, and a wrong one is wrong whatever the certificate says', async () => {
  assert.equal(await outcome(withKeys, '/known', clientA, key), 200);
  assert.equal(namedAs('/known'), 'Key Holder');
  for (const path of ['/known', '/optional']) {
    assert.equal(await outcome(withKeys, path, clientA, 'X-API-Key: wrong\r\n'), 401, path);
  }
});

test('in shadow mode a wrong key makes nobody of a client, and lets it pass', async () => {
  assert.equal(await outcome(withKeys, '/shadow', clientA, 'X-API-Key: wrong\r\n'), 200);
  assert.equal(namedAs('/shadow'), null);
  assert.equal(await outcome(withKeys, '/shadow', clientA), 200);
  assert.equal(namedAs('/shadow'), 'Client A');
});

test('the log names the consumer', async () => {
  const answer = await askSecurely(optional.port, get('/open'), clientB);
  const line = await optional.accessLog(answer.header('x-request-id') ?? '');
  assert.equal(line['consumer'], 'Client B');
});

test('failures are counted by their reason', async () => {
  for (const reason of ['no_client_certificate', 'bad_client_certificate']) {
    await eventually(
      async () => ((await metric(required.adminUrl, 'tls_handshake_failures_total', { reason })) > 0 ? true : null),
      reason,
    );
  }
});

test('a session that began without a certificate is not resumed where one is required', async () => {
  const gateway = await startGateway({ config: config('optional') });
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const session = await sessionOf(gateway.port, { maxVersion });
    assert.equal(await outcome(gateway, '/open', { maxVersion, session }), 200);
    assert.equal(await gateway.reload(config('required')), 'accepted');
    assert.equal(await outcome(gateway, '/open', { maxVersion, session }), 'no answer');
    assert.equal(await gateway.reload(config('optional')), 'accepted');
  }
});

test('a resumed session still knows its client', async () => {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const session = await sessionOf(required.port, { ...clientA, maxVersion });
    const resumed = await secureClient(required.port, { ...clientA, maxVersion, session });
    assert.equal(resumed.socket.isSessionReused(), true);
    resumed.write(get('/known'));
    assert.equal((await resumed.response())?.status, 200);
    assert.equal(namedAs('/known'), 'Client A');
    resumed.destroy();
  }
});

test('authorities that a reload changes count for new connections', async () => {
  const gateway = await startGateway({ config: config('required') });
  assert.equal(await outcome(gateway, '/open', foreign), 'no answer');
  assert.equal(await gateway.reload(config('required', {}, others.ca)), 'accepted');
  assert.equal(await outcome(gateway, '/open', foreign), 200);
  assert.equal(await outcome(gateway, '/open', clientA), 'no answer');
});
