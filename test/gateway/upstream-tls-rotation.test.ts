/** Certificates towards an upstream that are replaced on disk: a reload of the same config takes them up, and ends nothing. */
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { createAuthority, type IssuedCertificate, pemOf } from '../support/certificates.ts';
import { eventually } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';
import { type Handshake, handshakeOf, tlsUpstream } from '../support/tls-upstream.ts';

const authority = await createAuthority();
const [server, first, second] = await Promise.all([
  authority.issue({ names: ['localhost'] }),
  authority.issue({ names: ['first'] }),
  authority.issue({ names: ['second'] }),
]);
const inUse: IssuedCertificate = { cert: join(authority.folder, 'use.pem'), key: join(authority.folder, 'use.key') };
use(first);

const held: ServerResponse[] = [];
const upstream = await tlsUpstream(
  { ...pemOf(server), ca: readFileSync(authority.ca), requestCert: true, rejectUnauthorized: true },
  (request, response) => {
    const tell = JSON.stringify(handshakeOf(request.socket as TLSSocket));
    if (request.url !== '/held') response.end(tell);
    else {
      held.push(response);
      response.write(tell);
    }
  },
);
const config = {
  upstreams: [{ name: 'api', url: `https://localhost:${upstream.port}`, tls: { ca: authority.ca, ...inUse } }],
  routes: [{ path: '/*', upstream: 'api' }],
};
const gateway = await startGateway({ config });

test('new files are taken up by a reload, for new connections; requests in flight end on the old ones', async () => {
  assert.equal((await handshake('/')).client, 'first');
  const inFlight = handshake('/held');
  await eventually(() => held[0] ?? null, 'the request to be in flight');

  use(second);
  assert.equal(await gateway.reload(config), 'accepted');
  await gateway.log((line) => String(line['changes']) === 'upstream api changed: tls', 'the change in the log');
  assert.equal((await handshake('/')).client, 'second');

  held[0]?.end();
  assert.equal((await inFlight).client, 'first');
});

test('a reload that finds the files as they were keeps the connections', async () => {
  const before = await handshake('/');
  assert.equal(await gateway.reload(config), 'accepted');
  assert.equal((await handshake('/')).connection, before.connection);
});

test('files that do not fit one another reject the reload, and nothing changes', async () => {
  copyFileSync(first.cert, inUse.cert);
  assert.equal(await gateway.reload(config), 'rejected');
  await gateway.log((line) => String(line['msg']).includes('is not the key of'), 'the reason in the log');
  assert.equal((await handshake('/')).client, 'second');
  assert.doesNotMatch(gateway.stdout, /BEGIN/);
});

function use({ cert, key }: IssuedCertificate): void {
  writeFileSync(inUse.cert, readFileSync(cert));
  writeFileSync(inUse.key, readFileSync(key));
}

async function handshake(path: string): Promise<Handshake> {
  const response = await fetch(`${gateway.url}${path}`);
  assert.equal(response.status, 200);
  return (await response.json()) as Handshake;
}
