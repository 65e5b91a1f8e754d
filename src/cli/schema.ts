/** `sluice schema`: prints the JSON Schema of the config file, the same that editors get from config/proxy.schema.json. */
import { formatSchema } from '../config/publish-schema.ts';

/** `argv`: what follows the command's name. Answers the exit code. */
export function runSchema(argv: readonly string[]): Promise<number> {
  if (argv.length > 0) {
    process.stderr.write(`sluice schema: takes no arguments, got "${argv.join(' ')}"\nusage: sluice schema\n`);
    return Promise.resolve(1);
  }
  process.stdout.write(formatSchema());
  return Promise.resolve(0);
}
