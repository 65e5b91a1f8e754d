/** A gateway that could run out of file descriptors or memory says so when it starts, with the sum. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Log } from '../../../src/contracts/log.ts';
import { readDescriptorLimit, warnOfScarcity } from '../../../supervisor/check-resources.ts';

const gb = 1024 ** 3;
const folder = mkdtempSync(join(tmpdir(), 'sluice-limits-'));
after(() => rmSync(folder, { recursive: true }));

test('clients, connections to every target and the worker’s own are counted together', () => {
  const upstreams = [
    { targets: [{}, {}], maxConnections: 256 },
    { targets: [{}], maxConnections: 10 },
  ];
  assert.deepEqual(warnings({ upstreams, descriptors: 10_586 }), []);
  assert.deepEqual(warnings({ upstreams, descriptors: 10_585 }), [
    { needed: 10_586, limit: 10_585, clients: 10_000, upstreams: 522, own: 64 },
  ]);
});

test('a limit that is not known, or none, is enough', () => {
  assert.deepEqual(warnings({ descriptors: null }), []);
});

test('too many workers for the memory are warned of', () => {
  assert.deepEqual(warnings({ memoryBytes: gb / 4, workers: 4 }), [{ neededMb: 516, limitMb: 256, workers: 4 }]);
  assert.deepEqual(warnings({ memoryBytes: gb / 4, workers: 1 }), []);
});

test('the limit of file descriptors is the soft one, which Node has raised already', () => {
  const file = join(folder, 'limits');
  writeFileSync(
    file,
    'Max processes  1  2  processes\nMax open files            1024                 4096                 files\n',
  );
  assert.equal(readDescriptorLimit(file), 1024);
  writeFileSync(file, 'Max open files            unlimited            unlimited            files\n');
  assert.equal(readDescriptorLimit(file), null);
  assert.equal(readDescriptorLimit(join(folder, 'nowhere')), null);
});

interface Case {
  readonly upstreams?: readonly object[];
  readonly descriptors?: number | null;
  readonly memoryBytes?: number;
  readonly workers?: number;
}

/** The fields of each warning. */
function warnings({ upstreams = [], descriptors = 20_000, memoryBytes = 64 * gb, workers = 2 }: Case): object[] {
  const told: object[] = [];
  const log = { warn: (fields: object) => told.push(fields) } as unknown as Log;
  const config = { proxy: { limits: { maxConnections: 10_000 } }, upstreams };
  warnOfScarcity(config as unknown as Parameters<typeof warnOfScarcity>[0], workers, log, { descriptors, memoryBytes });
  return told;
}
