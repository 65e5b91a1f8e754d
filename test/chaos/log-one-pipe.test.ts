/** Four workers and the supervisor write to one pipe, and a worker is killed in the middle: every line is whole. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { startLoad } from '../support/load.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-pipe-'));
after(() => rmSync(folder, { recursive: true }));
const sluice = process.env['SLUICE_BIN'] ?? join(import.meta.dirname, '../../bin/sluice');
/** node's own stdio are sockets; this gateway writes to a pipe. */
const program = join(folder, 'sluice');
writeFileSync(program, `#!/bin/bash\nexec "${sluice}" "$@" > >(cat)\n`);
chmodSync(program, 0o755);

test('every line parses, short ones and those that had to be cut, and none is torn by the death of its writer', async () => {
  const gateway = await startGateway({
    program,
    workers: 4,
    config: {
      logging: { query: true },
      // On a busy machine a late event loop would thin the log.
      overload: { maxEventLoopDelay: 60_000 },
      routes: [{ path: '/*', respond: { status: 200 } }],
    },
  });
  // In JSON a quote is two characters: this line is longer than a pipe takes at once.
  const paths = ['/short', `/middle?${'m'.repeat(700)}`, `/long?${'l'.repeat(1_990)}`, `/cut?"${'"'.repeat(1_990)}`];
  const loads = paths.map((path) => startLoad(`${gateway.url}${path}`, { persistent: 2, fresh: 1 }));
  for (let kills = 0; kills < 3; kills++) {
    await Promise.all(loads.map((load) => load.more(50)));
    process.kill(gateway.workers()[kills % 2] as number, 'SIGKILL');
  }
  await Promise.all(loads.map((load) => load.more(50)));
  const results = await Promise.all(loads.map((load) => load.stop()));
  await gateway.stop();

  const lines = gateway.stdout.trimEnd().split('\n');
  const seen = lines.map((line) => JSON.parse(line) as { msg: string; worker?: string; path?: string });
  for (const line of lines) assert.ok(Buffer.byteLength(line) < 4096);
  const requests = seen.filter(({ msg }) => msg === 'request');
  assert.deepEqual(new Set(requests.map(({ worker }) => worker)), new Set(['1', '2', '3', '4']));
  assert.equal(seen.filter(({ msg }) => msg === 'worker died').length, 3);
  for (const [i, start] of ['/short', '/middle', '/long', '/cut'].entries()) {
    const written = requests.filter(({ path }) => path?.startsWith(start)).length;
    // Of a killed worker those are lost that had not been written yet.
    assert.ok(written > 100 && written <= (results[i]?.answered ?? 0), `${start}: ${written}`);
  }
});
