/** `npm run schema`: writes config/proxy.schema.json and docs/configuration.md anew, after the format has changed. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatSchema } from '../config/publish-schema.ts';
import { formatReference, readIntroduction } from './reference.ts';

const root = join(import.meta.dirname, '../..');

writeFileSync(join(root, 'config/proxy.schema.json'), formatSchema());
writeFileSync(join(root, 'docs/configuration.md'), formatReference(readIntroduction()));
