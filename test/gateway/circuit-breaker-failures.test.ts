/** What opens a circuit, as upstreams really fail: nobody there, no such name, silence, a reset, no HTTP, a 5xx. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openBlackHole } from '../support/black-hole.ts';
import { eventually } from '../support/deadline.ts';
import { startDnsServer } from '../support/dns-server.ts';
import { startGateway } from '../support/gateway.ts';
import { metric } from '../support/metric.ts';
import { freePorts } from '../support/ports.ts';
import { ask } from '../support/raw-client.ts';
import { recordingUpstream, response } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const dns = await startDnsServer();
const [closedPort = 0] = await freePorts(1);
upstream.on('/silent', () => {});
upstream.on('/resets', (request) => void request.connection.socket.resetAndDestroy());
upstream.on('/garbled', (request) => request.send('SSH-2.0-OpenSSH_9.2\r\n'));
upstream.on('/broken', (request) => request.send(response(502)));

const failing = [
  ['refused', `http://127.0.0.1:${closedPort}`],
  ['swallowed', `http://127.0.0.1:${await openBlackHole()}`],
  ['nameless', 'http://nobody.knows.example:8080'],
  ['silent', upstream.url],
  ['resets', upstream.url],
  ['garbled', upstream.url],
  ['broken', upstream.url],
] as const;
const names = failing.map(([name]) => name);
const gateway = await startGateway({
  config: {
    proxy: { timeouts: { connect: 100 }, dns: { servers: [dns.address] } },
    upstreams: failing.map(([name, url]) => ({
      name,
      url,
      timeout: name === 'silent' ? 100 : 30_000,
      circuitBreaker: { minimumRequests: 4, window: 60_000, openDuration: 60_000 },
    })),
    routes: names.map((name) => ({ path: `/${name}`, upstream: name })),
  },
});

for (const name of names) {
  test(`${name}: the circuit opens after as many tries as the config says`, async () => {
    const codes: unknown[] = [];
    for (let i = 0; i < 4; i++) codes.push(await codeOf(name));
    assert.ok(!codes.includes('circuit_open'), codes.join());
    await eventually(
      async () => ((await metric(gateway.url, 'circuit_breaker_state', { upstream: name })) === 2 ? true : null),
      'the circuit to open',
    );
    await eventually(async () => ((await codeOf(name)) === 'circuit_open' ? true : null), 'the worker to know');
  });
}

/** The upstream's own 502 has none. */
async function codeOf(name: string): Promise<unknown> {
  const answer = await ask(gateway.port, `GET /${name} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
  assert.ok(answer.status >= 502, String(answer.status));
  return answer.header('content-type') === 'application/problem+json' ? answer.json()['code'] : null;
}
