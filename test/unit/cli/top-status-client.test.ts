/** What answers in the place of an admin listener, and is none. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { askStatus } from '../../../src/cli/top/status-client.ts';

test('nothing of what somebody else answers on that port reaches the terminal that it would obey', async (t) => {
  const server = createServer((_, response) => response.end('\x1b]0;title\x07\x9b2J\u202e'));
  t.after(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const answer = await askStatus({ url: `http://127.0.0.1:${port}`, token: null }, AbortSignal.timeout(10_000));
  assert.ok(answer.kind === 'away');
  assert.match(answer.why, /is not valid JSON/);
  assert.doesNotMatch(answer.why, /[\p{Cc}\p{Cf}]/u);
});
