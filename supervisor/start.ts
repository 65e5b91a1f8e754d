/** `sluice start`: from a config file to a gateway that serves, and on to its end. The parts of the supervisor are put together here. */
import type { ReloadedConfig } from '../src/config/load.ts';
import { loadConfigInThread } from '../src/config/load-in-thread.ts';
import { formatProblem } from '../src/config/problem.ts';
import { createLogger, type Logger, startupLogging } from '../src/log/logger.ts';
import { startAdminServer } from './admin-server.ts';
import type { StartArguments } from './arguments.ts';
import { AwakeClock } from './awake-clock.ts';
import { warnOfScarcity } from './check-resources.ts';
import { type InheritedSockets, takeInheritedSockets } from './inherited-sockets.ts';
import { adoptSocket, bindSocket, type ListeningSocket } from './listening-socket.ts';
import { watchOwnLoop } from './loop-watch.ts';
import { MetricsRegistry } from './metrics-registry.ts';
import { loadOptions } from './reloader.ts';
import { findServiceManager } from './service-manager.ts';
import { shutDown } from './shutdown.ts';
import type { Signals } from './signals.ts';
import { StartBlocked } from './start-blocked.ts';
import { Supervisor } from './supervisor.ts';
import { watchCode } from './watch-code.ts';
import { ConfigWatch } from './watch-config.ts';

/** Resolves with the exit code: 0 after a clean drain, 1 when the start is blocked, 2 when a drain had to cut requests. */
export async function start(args: StartArguments, signals: Signals): Promise<number> {
  const log = createLogger({ worker: null, config: startupLogging });
  process.on('uncaughtException', (error) => process.exit(fail(error, log)));
  process.on('unhandledRejection', (error) => process.exit(fail(error, log)));
  try {
    return await run(args, signals, log);
  } catch (error) {
    if (!(error instanceof StartBlocked)) return fail(error, log);
    process.stderr.write([...error.details, `sluice: not started: ${error.message}`, ''].join('\n'));
    return 1;
  } finally {
    log.close();
  }
}

async function run(args: StartArguments, signals: Signals, log: Logger): Promise<number> {
  // Watched before it is read: a change in between is not lost.
  const watch = args.watch === 'nothing' ? null : new ConfigWatch(args.configFile);
  const since = Date.now();
  const config = await load(args.configFile, log);
  watch?.follow(config, since);
  const { proxy } = config.summary;
  const workers = args.workers ?? proxy.workers;
  warnOfScarcity(config.summary, workers, log);
  const serviceManager = findServiceManager(process.env, log);
  const clock = new AwakeClock();
  clock.start();

  const inherited = takeInheritedSockets(process.env, process.pid);
  const socket = await openSocket(proxy, inherited, log);
  const { handle } = socket;
  const registry = new MetricsRegistry(log);
  watchOwnLoop(registry);
  const onRead = (loaded: ReloadedConfig, since: number): void => watch?.follow(loaded, since);
  const supervisor = new Supervisor({
    config,
    workers,
    handle,
    clock,
    log,
    registry,
    serviceManager,
    onRead,
    stop: signals.stop,
  });
  try {
    const adminUrl = await startAdmin(config, supervisor, registry, inherited, log);
    await Promise.race([supervisor.start(), aborted(signals.stop)]);
    if (signals.stop.aborted) return 0;

    const url = proxy.tls === null ? socket.url : socket.url.replace('http:', 'https:');
    log.info({ url, admin: adminUrl, workers, version: 1, pid: process.pid }, 'ready');
    serviceManager.tell('READY', `serving ${url}`);
    obey(supervisor, signals);
    watch?.begin(() => void supervisor.reload());
    if (args.watch === 'config and code') watchCode(() => void supervisor.replaceWorkers());

    await aborted(signals.stop);
    serviceManager.tell('STOPPING', 'shutting down');
    return await end(supervisor, socket, signals, log);
  } finally {
    supervisor.pool.killAll();
  }
}

/** The port of the config, or the one that was handed over, which wins: somebody else has bound it already. */
async function openSocket(
  { host, port }: { readonly host: string; readonly port: number },
  inherited: InheritedSockets,
  log: Logger,
): Promise<ListeningSocket> {
  if (inherited.proxy === null) return await bindSocket(host, port);
  const socket = adoptSocket(inherited.proxy, 'the proxy');
  log.info(
    { host: socket.host, port: socket.port },
    'the listening socket was handed over: proxy.host and proxy.port are not used',
  );
  return socket;
}

async function load(file: string, log: Logger): Promise<Extract<ReloadedConfig, { ok: true }>> {
  const config = await loadConfigInThread(loadOptions(file));
  if (!config.ok) throw new StartBlocked(`${file} is not valid`, config.problems.map(formatProblem));
  log.configure(config.summary.logging);
  for (const warning of config.warnings) log.warn({}, formatProblem(warning));
  return config;
}

/** Null when it is turned off. */
async function startAdmin(
  { summary }: Extract<ReloadedConfig, { ok: true }>,
  supervisor: Supervisor,
  registry: MetricsRegistry,
  inherited: InheritedSockets,
  log: Logger,
): Promise<string | null> {
  const { port, token } = summary.admin;
  if (port === 0) return null;
  const socket = inherited.admin === null ? null : adoptSocket(inherited.admin, 'the admin listener');
  const host = socket?.host ?? summary.admin.host;
  try {
    const server = await startAdminServer({
      socket,
      host,
      port,
      token,
      log,
      ...supervisor.operations,
      health: () => supervisor.health(),
      metrics: (format) => registry.render(format),
      status: () => supervisor.renderStatus(),
      config: () => supervisor.renderConfig(),
      routes: () => supervisor.renderRoutes(),
      askUpstreams: () => supervisor.askUpstreams(),
      reload: () => supervisor.reload(),
      checkCandidate: (text) => supervisor.checkCandidate(text),
    });
    return `http://${host.includes(':') ? `[${host}]` : host}:${server.port}`;
  } catch (error) {
    throw new StartBlocked((error as Error).message);
  }
}

function obey(supervisor: Supervisor, signals: Signals): void {
  signals.obey({
    reload: () => void supervisor.reload(),
    replaceWorkers: () => void supervisor.replaceWorkers(),
  });
}

async function end(supervisor: Supervisor, socket: ListeningSocket, signals: Signals, log: Logger): Promise<number> {
  supervisor.beginToDrain();
  const { delayMs, timeoutMs } = supervisor.shutdown;
  const exitCode = await shutDown({
    pool: supervisor.pool,
    stopAccepting: () => socket.close(),
    delayMs: signals.stop.reason === 'SIGINT' ? 0 : delayMs,
    timeoutMs,
    atOnce: signals.atOnce,
    log,
  });
  await supervisor.telemetry.close();
  return exitCode;
}

/** A bug must not leave a gateway that only looks alive. The workers notice that nobody leads them, drain and leave. */
function fail(error: unknown, log: Logger): number {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  log.fatal({ stack }, 'the supervisor failed');
  log.flush();
  return 1;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
