/** `npm run observability`: writes the tables of docs/observability.md anew, after a metric or a log field has changed. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeTables } from './observability-tables.ts';

const file = join(import.meta.dirname, '../../docs/observability.md');

writeFileSync(file, writeTables(readFileSync(file, 'utf8')));
