/** The program: `bin/sluice` becomes this process. Finds the command that the command line names, and ends with its exit code. */
import { findNearest } from '../src/config/nearest.ts';
import { readVersion } from '../src/core/version.ts';
import { readStartArguments, UsageError } from './arguments.ts';
import { listenToSignals } from './signals.ts';

type Command = (argv: readonly string[]) => Promise<number> | number;

/** Each loads its own code: `check` needs no workers, and `schema` no sockets. */
const commands = new Map<string, Command>(
  Object.entries<Command>({
    start: (argv) => runStart('start', argv),
    dev: (argv) => runStart('dev', argv),
    check: async (argv) => (await import('../src/cli/check.ts')).runCheck(argv),
    schema: async (argv) => (await import('../src/cli/schema.ts')).runSchema(argv),
    explain: () => complain('"explain" is not built yet in this version'),
    replay: () => complain('"replay" is not built yet in this version'),
    top: async (argv) => (await import('../src/cli/top.ts')).runTop(argv),
    keys: async (argv) => (await import('../src/cli/keys.ts')).runKeys(argv, readStandardInput),
    help: () => print(usage),
    version: () => print(`sluice ${readVersion()}, node ${process.version}\n`),
  }),
);

const aliases = new Map([
  ['--help', 'help'],
  ['-h', 'help'],
  ['--version', 'version'],
  ['-v', 'version'],
]);

const usage = `sluice: a config-driven HTTP gateway

  sluice start [--config FILE] [--workers N] [--watch]   run the gateway; --watch follows changes of the config
  sluice dev [--config FILE] [--workers N]               run it, and follow changes of config and code
  sluice check [--config FILE] [--strict] [--json]       validate a config
  sluice top [--once] [--sort KEY] [--config FILE | --url URL] [--token-file FILE]
                                                         show what a running gateway does, each second or once
  sluice keys new --name NAME [--config FILE]            make an API key, print it once with its hash
  sluice keys hash [--config FILE]                       hash a key that is read from standard input
  sluice schema                                          print the config's JSON Schema
  sluice help, sluice version

FILE is $SLUICE_CONFIG, or else config/proxy.yml, when it is not given.
SIGHUP reloads the config, SIGUSR2 replaces all workers, SIGTERM and SIGINT drain (a second one ends at once).
`;

process.exit(await runCommand(process.argv.slice(2)));

async function runCommand([name = 'help', ...argv]: readonly string[]): Promise<number> {
  const command = commands.get(aliases.get(name) ?? name);
  if (command === undefined) {
    const nearest = findNearest(name, commands.keys());
    return complain(
      `"${name}" is no command; ${nearest === null ? 'see "sluice help"' : `did you mean "${nearest}"?`}`,
    );
  }
  return argv.includes('--help') || argv.includes('-h') ? print(usage) : await command(argv);
}

async function runStart(command: 'start' | 'dev', argv: readonly string[]): Promise<number> {
  try {
    const args = readStartArguments(command, argv, process.env);
    // Before the long import: a SIGHUP that comes meanwhile would end the process.
    const signals = listenToSignals();
    const { start } = await import('./start.ts');
    return await start(args, signals);
  } catch (error) {
    if (error instanceof UsageError) return complain(error.message);
    throw error;
  }
}

async function readStandardInput(): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of process.stdin) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

function complain(message: string): number {
  process.stderr.write(`sluice: ${message}\n`);
  return 1;
}
