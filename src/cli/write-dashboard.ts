/** `npm run dashboard`: writes grafana/dashboard.json anew, after a panel has changed. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { panels } from './dashboard.ts';
import { writeDashboard } from './dashboard-panels.ts';

const folder = join(import.meta.dirname, '../../grafana');

mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'dashboard.json'), writeDashboard(panels));
