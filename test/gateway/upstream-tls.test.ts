/** TLS towards upstreams: whom the gateway trusts, which name it asks for and checks, and what it shows of itself. A stalled handshake is a matter of timeouts-connect.test.ts. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { createAuthority, type IssuedCertificate, pemOf } from '../support/certificates.ts';
import { within } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';
import { type Handshake, type TlsUpstream, tlsUpstream } from '../support/tls-upstream.ts';

const [system, own] = await Promise.all([createAuthority('System CA'), createAuthority('Own CA')]);
const local = { names: ['localhost', '127.0.0.1'] };
const [bySystem, byOwn, elsewhere, expired, clientCertificate] = await Promise.all([
  system.issue(local),
  own.issue(local),
  own.issue({ names: ['backend.internal'] }),
  own.issue({ ...local, expired: true }),
  own.issue({ names: ['gateway.internal'] }),
]);

const servers = {
  'by-system': await tlsUpstream(pemOf(bySystem)),
  'by-own': await tlsUpstream(pemOf(byOwn)),
  elsewhere: await tlsUpstream(pemOf(elsewhere)),
  expired: await tlsUpstream(pemOf(expired)),
  'self-signed': await tlsUpstream(pemOf(selfSign('localhost'))),
  mutual: await tlsUpstream({ ...pemOf(byOwn), ca: readFileSync(own.ca), requestCert: true, rejectUnauthorized: true }),
  old: await tlsUpstream({ ...pemOf(byOwn), minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' }),
};
const sockets = new WebSocketServer({ server: servers['by-own'].server });
sockets.on('connection', (socket) => socket.on('message', (message) => socket.send(message)));

interface Case {
  readonly server: keyof typeof servers;
  /** = localhost */
  readonly host?: string;
  readonly tls?: object;
  readonly preserveHost?: boolean;
}

const ca = own.ca;
const cases = {
  system: { server: 'by-system' },
  'system, not named in ca': { server: 'by-system', tls: { ca } },
  ca: { server: 'by-own', tls: { ca } },
  'unknown authority': { server: 'by-own' },
  address: { server: 'by-own', host: '127.0.0.1', tls: { ca } },
  'wrong name': { server: 'elsewhere', tls: { ca } },
  'wrong name, kept host': { server: 'elsewhere', tls: { ca }, preserveHost: true },
  'kept host': { server: 'by-own', tls: { ca }, preserveHost: true },
  servername: { server: 'elsewhere', tls: { ca, servername: 'backend.internal' } },
  'other servername': { server: 'elsewhere', tls: { ca, servername: 'else.internal' } },
  expired: { server: 'expired', tls: { ca } },
  'self-signed': { server: 'self-signed' },
  'wrong name unverified': { server: 'elsewhere', tls: { verify: false } },
  'expired unverified': { server: 'expired', tls: { verify: false } },
  'self-signed unverified': { server: 'self-signed', tls: { verify: false } },
  mutual: { server: 'mutual', tls: { ca, ...clientCertificate } },
  'mutual without certificate': { server: 'mutual', tls: { ca } },
  old: { server: 'old', tls: { ca } },
} as const satisfies Record<string, Case>;

const upstreams = Object.entries<Case>(cases).map(([name, { server, host = 'localhost', tls, preserveHost }]) => ({
  name,
  url: `https://${host}:${servers[server].port}`,
  ...(tls === undefined ? {} : { tls }),
  ...(preserveHost === undefined ? {} : { preserveHost }),
}));
const gateway = await startGateway({
  env: { SSL_CERT_FILE: system.ca, SSL_CERT_DIR: system.folder, NODE_EXTRA_CA_CERTS: '' },
  config: {
    upstreams,
    routes: upstreams.map(({ name }) => ({ path: `/${pathOf(name)}/*`, upstream: name })),
  },
});

test('an upstream is trusted by the authorities of the system', async () => {
  const { servername, alpn, protocol } = await handshake('system');
  assert.deepEqual([servername, alpn, protocol], ['localhost', 'http/1.1', 'TLSv1.3']);
});

test('an authority of its own is enough', async () => {
  assert.equal((await handshake('ca')).client, null);
});

test('an address in the url is checked against the addresses of the certificate, and is not asked for by name', async () => {
  assert.equal((await handshake('address')).servername, false);
  assert.doesNotMatch(gateway.stderr, /Warning/);
});

test('servername is the name that is asked for and checked', async () => {
  assert.equal((await handshake('servername')).servername, 'backend.internal');
});

test('a Host field that is kept chooses neither the name asked for nor the one that is checked', async () => {
  const { servername } = await handshake('kept host', { host: 'backend.internal' });
  assert.equal(servername, 'localhost');
  const { status } = await ask('wrong name, kept host', { host: 'backend.internal' });
  assert.equal(status, 502);
});

test('verify: false takes any certificate', async () => {
  await handshake('wrong name unverified');
  await handshake('expired unverified');
  await handshake('self-signed unverified');
});

test('with cert and key the gateway shows who it is', async () => {
  assert.equal((await handshake('mutual')).client, 'gateway.internal');
});

for (const [name, error] of [
  ['unknown authority', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ['system, not named in ca', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ['wrong name', 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ['other servername', 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ['expired', 'CERT_HAS_EXPIRED'],
  ['self-signed', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ['mutual without certificate', 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'],
  ['old', 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'],
] as const) {
  test(`${name}: 502 upstream_unreachable, the reason in the log, and no request at the upstream`, async () => {
    const server: TlsUpstream = servers[cases[name].server];
    const before = server.requests;
    const { status, body, id } = await ask(name);
    assert.equal(status, 502, body);
    assert.equal((JSON.parse(body) as { code: string }).code, 'upstream_unreachable');
    assert.doesNotMatch(body, /ERR_|CERT|localhost/);
    const line = await gateway.accessLog(id);
    assert.deepEqual([line['code'], line['error']], ['upstream_unreachable', error]);
    assert.equal(server.requests, before);
  });
}

test('the second handshake with an upstream is a short one', async () => {
  const first = await handshake('ca', {}, 'once');
  const second = await handshake('ca', {}, 'once');
  assert.notEqual(second.connection, first.connection);
  assert.equal(second.resumed, true);
});

test('WebSockets pass over TLS, and only to whom requests would go', async () => {
  const good = new WebSocket(`ws://127.0.0.1:${gateway.port}/${pathOf('ca')}/ws`);
  await within(once(good, 'open'), 'the tunnel');
  good.send('hello');
  const [message] = (await within(once(good, 'message'), 'the echo')) as [Buffer];
  assert.equal(message.toString(), 'hello');
  good.close();

  const bad = new WebSocket(`ws://127.0.0.1:${gateway.port}/${pathOf('unknown authority')}/ws`);
  const [error] = (await within(once(bad, 'error'), 'the refusal')) as [Error];
  assert.match(error.message, /502/);
});

test('deep health shakes hands as requests do', async () => {
  interface Deep {
    readonly upstreams: Record<string, { status: string; targets: { status: string; reason?: string }[] }>;
  }
  const deep = (await (await fetch(`${gateway.adminUrl}/health/deep`)).json()) as Deep;
  const reason = (name: keyof typeof cases): string | undefined => deep.upstreams[name]?.targets[0]?.reason;
  for (const name of ['system', 'ca', 'address', 'servername', 'mutual', 'self-signed unverified'] as const) {
    assert.equal(deep.upstreams[name]?.status, 'UP', name);
  }
  assert.equal(reason('unknown authority'), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE');
  assert.equal(reason('wrong name'), 'ERR_TLS_CERT_ALTNAME_INVALID');
  assert.equal(reason('expired'), 'CERT_HAS_EXPIRED');
});

/** A certificate that nobody but itself vouches for. */
function selfSign(name: string): IssuedCertificate {
  const [cert, key] = [`${own.folder}/self.pem`, `${own.folder}/self.key`];
  const made = [
    '-x509',
    '-nodes',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-out',
    cert,
    '-keyout',
    key,
  ];
  execFileSync('openssl', ['req', ...made, '-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`], {
    stdio: 'ignore',
  });
  return { cert, key };
}

function pathOf(name: string): string {
  return name.replaceAll(/\W+/g, '-');
}

/** The answer of an upstream that the gateway came to terms with. */
async function handshake(name: keyof typeof cases, headers = {}, path = ''): Promise<Handshake> {
  const { status, body } = await ask(name, headers, path);
  assert.equal(status, 200, body);
  return JSON.parse(body) as Handshake;
}

async function ask(
  name: keyof typeof cases,
  headers: Record<string, string> = {},
  path = '',
): Promise<{ status: number; body: string; id: string }> {
  // fetch would not let the Host be chosen.
  const request = requestHttp(`${gateway.url}/${pathOf(name)}/${path}`, { headers, agent: false }).end();
  const [response] = (await within(once(request, 'response'), name)) as [IncomingMessage];
  let body = '';
  for await (const chunk of response) body += String(chunk);
  return { status: response.statusCode ?? 0, body, id: String(response.headers['x-request-id']) };
}
