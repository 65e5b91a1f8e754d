/** What /metrics says is what happened: every request once, over all workers, whatever becomes of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { metric } from '../support/metric.ts';
import { freePorts } from '../support/ports.ts';
import { ask, rawClient } from '../support/raw-client.ts';
import { recordingUpstream } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const [closedPort = 0] = await freePorts(1);
const config = {
  upstreams: [
    { name: 'api', url: upstream.url },
    { name: 'down', url: `http://127.0.0.1:${closedPort}` },
  ],
  routes: [
    { name: 'named', path: '/named/:id', upstream: 'api' },
    { path: '/api/*', upstream: 'api' },
    { path: '/hosted', host: 'a.test', upstream: 'api' },
    { path: '/down', upstream: 'down' },
    ...['counted', 'rolled', 'killed', 'held'].map((name) => ({ path: `/${name}`, upstream: 'api' })),
  ],
};
const gateway = await startGateway({ config, workers: 2 });
/** Workers that have to start take their time on a busy machine. */
const patienceMs = 60_000;

test('every request over all workers is counted once, with its time, its bytes and its try', async () => {
  const count = 300;
  await sendMany(count, '/counted');
  const route = '/counted';
  await becomes(count, 'http_requests_total', { route, method: 'GET', status: '200' });
  await becomes(count, 'http_request_duration_ms_count', { route, method: 'GET' });
  await becomes(count, 'http_request_duration_ms_bucket', { route, le: '+Inf' });
  await becomes(count * 2, 'http_response_bytes_total', { route });
  assert.ok((await metric(gateway.adminUrl, 'http_request_duration_ms_sum', { route })) > 0);
  assert.ok(
    (await metric(gateway.adminUrl, 'upstream_requests_total', { upstream: 'api', outcome: 'success' })) >= count,
  );
});

test('a route is called by its name, else by host and pattern, and what no route wants is none', async () => {
  const request = (method: string, target: string, host = 'b'): string =>
    `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 0\r\n\r\n`;
  await ask(gateway.port, request('GET', '/named/1'));
  await ask(gateway.port, request('GET', '/named/2'));
  await ask(gateway.port, request('GET', '/api/a/b?c'));
  await ask(gateway.port, request('GET', '/hosted', 'a.test'));
  await ask(gateway.port, request('GET', '/nowhere/1'));
  await ask(gateway.port, request('PURGE', '/api/'));
  await becomes(2, 'http_requests_total', { route: 'named', status: '200' });
  await becomes(1, 'http_requests_total', { route: '/api/*', method: 'GET' });
  await becomes(1, 'http_requests_total', { route: 'a.test/hosted' });
  await becomes(1, 'http_requests_total', { route: 'none', status: '404' });
  await becomes(1, 'rejected_requests_total', { code: 'no_route' });
  await becomes(1, 'http_requests_total', { route: '/api/*', method: 'OTHER' });
  assert.doesNotMatch(await text(gateway.adminUrl), /nowhere|named\/1|PURGE/);
});

test('a failed try counts under its outcome, and the answer under its code', async () => {
  await ask(gateway.port, 'GET /down HTTP/1.1\r\nHost: a\r\n\r\n');
  await becomes(1, 'upstream_requests_total', { upstream: 'down', outcome: 'unreachable' });
  await becomes(1, 'rejected_requests_total', { code: 'upstream_unreachable' });
  await becomes(1, 'http_requests_total', { route: '/down', status: '502' });
});

test('a request in flight is shown until it ends, also when its client leaves', async () => {
  upstream.on('/held', () => {});
  const client = await rawClient(gateway.port);
  client.write('GET /held HTTP/1.1\r\nHost: a\r\n\r\n');
  await upstream.arrival('/held');
  await becomes(1, 'http_requests_in_flight');
  client.destroy();
  await becomes(0, 'http_requests_in_flight');
  await becomes(1, 'http_requests_total', { route: '/held', status: '499' });
});

test('the proxy port says the same as the admin listener', async () => {
  const onlyOurs = (all: string): string =>
    all
      .split('\n')
      .filter((line) => /^(upstream|config)_/.test(line))
      .join('\n');
  await eventually(async () => {
    const [proxy, admin] = await Promise.all([text(gateway.url), text(gateway.adminUrl)]);
    return onlyOurs(proxy) === onlyOurs(admin) ? true : null;
  }, 'the same numbers');
  const { headers } = await fetch(`${gateway.url}/metrics`);
  assert.equal(headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
});

test('workers that are replaced report everything before they leave', async () => {
  const count = 200;
  await sendMany(count, '/rolled');
  const old = gateway.workers();
  gateway.signal('SIGUSR2');
  await eventually(
    () => {
      const now = gateway.workers();
      return now.length === 2 && now.every((pid) => !old.includes(pid)) ? true : null;
    },
    'all workers to be replaced',
    patienceMs,
  );
  await becomes(count, 'http_requests_total', { route: '/rolled' });
});

test("a killed worker's counts stay, its requests in flight do not, and its restart is counted", async () => {
  await sendMany(50, '/killed');
  await becomes(50, 'http_requests_total', { route: '/killed' });
  upstream.on('/api/held', () => {});
  const client = await rawClient(gateway.port);
  client.write('GET /api/held HTTP/1.1\r\nHost: a\r\n\r\n');
  await upstream.arrival('/api/held');
  await becomes(1, 'http_requests_in_flight');
  for (const pid of gateway.workers()) process.kill(pid, 'SIGKILL');
  await becomes(2, 'worker_restarts_total', { reason: 'signal' });
  await becomes(2, 'workers');
  await becomes(0, 'http_requests_in_flight');
  assert.equal(await metric(gateway.adminUrl, 'http_requests_total', { route: '/killed' }), 50);
  client.destroy();
});

test('each worker shows the delay of its event loop', async () => {
  await eventually(async () => {
    const lines = (await text(gateway.adminUrl)).match(/^event_loop_delay_ms\{worker="[12]"} \d/gm);
    return lines?.length === 2 ? true : null;
  }, 'both workers');
});

test('metrics of 1,000 routes arrive whole over the proxy port', async () => {
  const routes = Array.from({ length: 1000 }, (_, i) => ({ path: `/route/${i}`, respond: { status: 204 } }));
  const many = await startGateway({ config: { routes } });
  for (let from = 0; from < 1000; from += 50) {
    const batch = Array.from({ length: 50 }, (_, i) => fetch(`${many.url}/route/${from + i}`));
    for (const answer of await Promise.all(batch)) assert.equal(answer.status, 204);
  }
  const seen = await eventually(async () => {
    const counted = (await text(many.url)).match(
      /^http_requests_total\{method="GET",route="\/route\/\d+",status="204"} 1$/gm,
    );
    return counted?.length === 1000 ? counted : null;
  }, 'all routes');
  assert.equal(new Set(seen).size, 1000);
});

/** Over connections of their own, so that all workers get some. */
async function sendMany(count: number, path: string): Promise<void> {
  for (let sent = 0; sent < count; sent += 25) {
    const batch = Array.from({ length: Math.min(25, count - sent) }, () =>
      ask(gateway.port, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`),
    );
    for (const answer of await Promise.all(batch)) assert.equal(answer.status, 200);
  }
}

/** Workers report each second. More than expected is never right. */
async function becomes(expected: number, name: string, labels: Readonly<Record<string, string>> = {}): Promise<void> {
  const what = `${name} ${JSON.stringify(labels)} to be ${expected}`;
  const is = async (): Promise<true | null> => {
    return (await metric(gateway.adminUrl, name, labels)) === expected ? true : null;
  };
  await eventually(is, what, patienceMs);
}

async function text(url: Gateway['url']): Promise<string> {
  return await (await fetch(`${url}/metrics`)).text();
}
