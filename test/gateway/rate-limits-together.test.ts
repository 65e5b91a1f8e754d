/** Several limits on one request: all of them let it pass, or none is touched. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flood } from '../support/flood.ts';
import { startGateway } from '../support/gateway.ts';
import { ask, type RawResponse } from '../support/raw-client.ts';
import { parseList } from '../support/structured-fields.ts';

const hour = 3_600_000;
const respond = { status: 204 };

test('a limit that refuses costs the others nothing', async () => {
  const gateway = await startGateway({
    config: {
      rateLimit: {
        global: { max: 10, windowMs: hour },
        perRoute: [{ path: '/narrow/*', max: 5, windowMs: hour, key: 'all' }],
      },
      routes: [
        { path: '/*', respond },
        { path: '/narrow/*', respond, rateLimit: { max: 2, windowMs: hour } },
      ],
    },
  });
  const statuses: number[] = [];
  for (let i = 0; i < 6; i++) statuses.push((await get(gateway.port, '/narrow/x')).status);
  assert.deepEqual(statuses, [204, 204, 429, 429, 429, 429]);
  assert.deepEqual(left(await get(gateway.port, '/narrow/x')), { global: 8, '/narrow/*': 3, route: 0 });
  assert.deepEqual(left(await get(gateway.port, '/wide')), { global: 7 });
});

test('under a flood over two workers each limit gives exactly what the narrowest lets pass', async () => {
  const gateway = await startGateway({
    config: {
      overload: { mode: 'shadow' },
      rateLimit: { global: { max: 100, windowMs: hour } },
      routes: [
        { path: '/a', respond, rateLimit: { max: 40, windowMs: hour } },
        { path: '/b', respond },
      ],
    },
    workers: 2,
  });
  const narrow = await flood(`${gateway.url}/a`, 300);
  assert.equal(narrow.get(204), 40);
  const wide = await flood(`${gateway.url}/b`, 300);
  assert.equal(wide.get(204), 60);
});

function left(answer: RawResponse): Record<string, number | undefined> {
  const items = parseList(answer.header('ratelimit') ?? '');
  return Object.fromEntries(items.map(({ value, parameters }) => [value, parameters['r']]));
}

function get(port: number, path: string): Promise<RawResponse> {
  return ask(port, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
}
