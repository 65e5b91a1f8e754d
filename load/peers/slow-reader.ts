/**
 * A reader of a log that is too slow: 40 kB a second. One process that does next to nothing, so that what it is seen to cost
 * is the gateway's own.
 */
import { readSync } from 'node:fs';

const buffer = Buffer.alloc(4096);
setInterval(() => {
  if (readSync(0, buffer) === 0) process.exit();
}, 100);
