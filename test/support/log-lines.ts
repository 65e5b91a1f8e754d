/** A process that logs a lot to its standard output and stays until its input ends, for logger.test.ts: `log-lines.ts NAME COUNT`. */
import { once } from 'node:events';
import { createLogger } from '../../src/log/logger.ts';

const [, , name = '', count = '0'] = process.argv;
const logger = createLogger({ worker: name, config: { level: 'info', format: 'json' } });
for (let i = 0; i < Number(count); i++) {
  // Lines of many sizes, some beyond what one write may hold, in characters of one to four bytes.
  logger.info({ i, text: 'aß€😀'.repeat((i * 37) % 600) }, 'line');
  if (i % 50 === 0) await new Promise(setImmediate);
}
process.stdin.resume();
await once(process.stdin, 'end');
