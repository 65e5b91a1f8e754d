/**
 * What a line of the access log costs: putting it together, and handing it to the writer on /dev/null and on a pipe.
 *
 *   bin/pinned-node load/micro/access-log.ts [| cat > /dev/null]
 *
 * The lines go to standard output, the numbers to standard error. The first column is the time that passes; the second
 * is the processor's, the kernel's share included.
 */
import { openSync } from 'node:fs';
import type { CompiledConfig, CompiledRoute } from '../../src/contracts/compiled.ts';
import { Exchange, type RequestHead } from '../../src/contracts/exchange.ts';
import type { Target, Upstream } from '../../src/contracts/upstream.ts';
import { newRequestId } from '../../src/core/request-id.ts';
import { continueTrace } from '../../src/core/trace-context.ts';
import { AccessLog } from '../../src/log/access-log.ts';
import { createLogger, type Logger } from '../../src/log/logger.ts';

const lines = 200_000;
/** So many requests end before the event loop has its turn. */
const perTurn = 20;

const head = {
  method: 'GET',
  target: '/api/users/4711?page=2',
  queryAt: 15,
  path: '/api/users/4711',
  host: 'api.example.com',
  client: { ip: '192.0.2.17' },
} as unknown as RequestHead;

/** Each a new one, as in a gateway: strings that were used before are cheaper. */
function exchanges(): Exchange[] {
  return Array.from({ length: 1_000 }, () => {
    const x = new Exchange(head, {} as CompiledConfig, newRequestId(), continueTrace([], [], 0), 0);
    x.route = { label: 'users' } as CompiledRoute;
    x.upstream = { name: 'primary-api' } as Upstream;
    x.target = { label: '10.0.0.17:8080' } as Target;
    return Object.assign(x, { attempts: 1, upstreamMs: 12.3456, status: 200, bytesOut: 1024 });
  });
}

async function measure(name: string, logger: Pick<Logger, 'writes' | 'writeLine'>): Promise<void> {
  const log = new AccessLog({ logger, worker: '1', random: Math.random, overload: { thinsLog: false } });
  const some = exchanges();
  let best = { wall: Number.POSITIVE_INFINITY, cpu: Number.POSITIVE_INFINITY };
  for (let round = 0; round < 6; round++) {
    const [startedAt, cpu] = [performance.now(), process.cpuUsage()];
    for (let i = 0; i < lines; i++) {
      log.write(some[i % some.length] as Exchange, 17.123_456, 1_700_000_000_000 + i);
      if (i % perTurn === 0) await new Promise(setImmediate);
    }
    const used = process.cpuUsage(cpu);
    const wall = ((performance.now() - startedAt) * 1000) / lines;
    if (wall < best.wall) best = { wall, cpu: (used.user + used.system) / lines };
  }
  process.stderr.write(`${name.padEnd(24)} ${best.wall.toFixed(2)} µs  ${best.cpu.toFixed(2)} µs\n`);
}

const nothing = { writes: () => true, writeLine: () => {} };
const config = { level: 'info', format: 'json' } as const;
await measure('line alone', nothing);
await measure('to /dev/null', createLogger({ worker: '1', config, fd: openSync('/dev/null', 'w') }));
await measure('to standard output', createLogger({ worker: '1', config }));
process.exit(0);
