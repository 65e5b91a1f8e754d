/** `sluice schema`: prints the JSON Schema of the config file, the same that editors get from config/proxy.schema.json. */
import { formatSchema } from '../config/publish-schema.ts';
import { print } from './print.ts';

/** `argv`: what follows the command's name. Answers the exit code. */
export async function runSchema(argv: readonly string[]): Promise<number> {
  if (argv.length > 0) {
    process.stderr.write(`sluice schema: takes no arguments, got "${argv.join(' ')}"\nusage: sluice schema\n`);
    return 1;
  }
  await print(formatSchema());
  return 0;
}
