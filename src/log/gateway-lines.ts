/**
 * Every line that the gateway writes about itself, for the documentation and for whoever alerts on them. Tests hold the
 * table against the code, and against what a running gateway writes.
 */

export interface GatewayLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'fatal';
  /** "…" stands for what differs from time to time. */
  readonly msg: string;
  /** Beside `level`, `time`, `msg` and, in lines of workers, `worker`. Those with "?" are not always there. */
  readonly fields: string;
  readonly means: string;
}

const line = (level: GatewayLine['level'], msg: string, fields: string, means: string): GatewayLine => ({
  level,
  msg,
  fields,
  means,
});

export const gatewayLines: readonly GatewayLine[] = [
  // Start and end.
  line('warn', '….yml:…: warning: …', '', 'something in the config could not work as written: file, line, column, key'),
  line(
    'warn',
    '… file descriptors and may open …',
    'needed limit clients upstreams own',
    'the limit of the process is too low',
  ),
  line('warn', '… of memory at least and there are …', 'neededMb limitMb workers', 'too many workers for this memory'),
  line('info', 'ready', 'url admin workers version pid', 'all workers serve; `pid` takes the signals'),
  line('info', 'the listening socket was handed over: proxy.host and proxy.port are not used', 'host port', ''),
  line(
    'warn',
    'systemd-notify can not be run: the service manager is not told how the gateway is',
    'error',
    'the unit says `Type=notify` or the like, and the program is missing',
  ),
  line('warn', 'systemd-notify failed: the service manager is not told', 'how', 'the unit may not allow it'),
  line(
    'info',
    'shutting down: not ready any more, still accepting connections',
    'delayMs timeoutMs',
    'SIGTERM or SIGINT; the drain has begun',
  ),
  line('warn', 'second signal: ending at once', '', 'what is in flight is lost'),
  line('info', 'drained', '', 'exit code 0'),
  line('warn', 'drained, but requests had to be cut', 'cut', 'exit code 2'),
  line('fatal', 'the supervisor failed', 'stack', 'a bug: the workers drain and leave'),

  // Reload.
  line('info', 'reload: the config is valid, the workers prepare it', 'version', ''),
  line(
    'info',
    'reload: the new config is in force',
    'version changes',
    '`changes` tells what differs: sections, and upstreams and routes added, removed, changed',
  ),
  line('warn', 'reload: these keys keep the value that they had at the start, until a restart', 'needsRestart', ''),
  line('error', '….yml:…: …', '', 'what is wrong with the new config, one line each: file, line, column, key'),
  line(
    'error',
    'reload rejected: every worker keeps the config that it has',
    'version file problems first',
    '`version` is the one that stays, `first` the first of the problems',
  ),
  line('warn', 'no reload: shutting down', '', ''),
  line('info', 'the certificates of proxy.tls have changed: new connections get the new ones', '', ''),
  line('warn', 'the changed certificates of proxy.tls are no good: the present ones stay in use', 'error', ''),
  line(
    'warn',
    'admin: a change was asked for',
    'method path clientIp withToken requestId status',
    'by whom, through the admin listener',
  ),
  line(
    'warn',
    'admin: a change was asked for and refused',
    'method path clientIp withToken requestId status reason',
    '',
  ),

  // Workers.
  line(
    'error',
    'worker died',
    'worker reason how ageMs delayMs',
    'it is replaced after `delayMs`; `how`: signal or exit code',
  ),
  line('fatal', 'the worker failed and will be replaced', 'err', 'a bug: an error that nobody caught'),
  line('error', 'worker hangs: its event loop has stopped, killing it', 'worker pid', ''),
  line('warn', 'worker holds too much memory, replacing it', 'worker pid share', ''),
  line('warn', 'worker failed to start, trying again: …', 'worker', ''),
  line('info', 'replacing all workers, one at a time', '', 'SIGUSR2'),
  line('info', 'all workers have been replaced', '', ''),
  line('warn', 'the replaced worker had to cut requests', 'worker cut', 'they took longer than `shutdown.timeout`'),
  line('error', 'replacement failed to start, the old worker stays: …', 'worker', ''),
  line('error', 'not all workers have been replaced: a new one does not start', '', ''),
  line('warn', 'no replacement of workers while shutting down', '', ''),

  // Upstreams.
  line('warn', 'target is unhealthy: it gets no requests', 'upstream target reason', 'its health checks fail'),
  line('warn', 'target is ejected: tries keep failing there', 'upstream target', ''),
  line('warn', 'target is drained by an operator: it gets no new requests', 'upstream target', ''),
  line('info', 'target is back: it gets requests again', 'upstream target was', ''),
  line('error', 'no target is usable: requests get 503 no_healthy_target', 'upstream', ''),
  line(
    'warn',
    'circuit breaker: …, the upstream is not asked for a while',
    'upstream circuit mode tries failed openForMs',
    'it has opened',
  ),
  line(
    'info',
    'circuit breaker: one try at a time finds out how the upstream is',
    'upstream circuit mode',
    'half-open',
  ),
  line('info', 'circuit breaker: the upstream is well again', 'upstream circuit mode', 'closed'),
  line('info', 'circuit breaker: an operator has closed it', 'upstream circuit mode', ''),
  line('warn', 'upstream blocked: its requests get 502 upstream_blocked', 'upstream reason', ''),
  line('warn', 'closed connections to upstreams that are refused now', 'connections', 'a reload has blocked them'),
  line('warn', 'the name is not resolved any more: its last addresses stay in use', 'hostname reason', ''),
  line('info', 'the name is resolved again', 'hostname', ''),
  line('info', 'the name has other addresses', 'hostname before now', ''),

  // Redis and limits.
  line('info', 'Redis is up', '', 'at the start'),
  line('warn', 'Redis is away: …', 'reason onError', 'what holds meanwhile is `onError`’s to say'),
  line('info', 'Redis is back', '', ''),
  line('warn', 'limits: the supervisor does not answer, this worker keeps them by itself', '', ''),
  line('info', 'limits: the supervisor answers again', '', ''),
  line('warn', 'circuit breakers: nodes can not tell each other, each judges alone', 'key reason', ''),
  line('info', 'circuit breakers: nodes tell each other again', 'key', ''),

  // Load.
  line(
    'warn',
    'overload: requests are turned away by priority',
    'sheds pressure concurrency event_loop memory eventLoopDelayMs mode?',
    'it has begun, or has become worse',
  ),
  line('info', 'overload eases', 'sheds pressure concurrency event_loop memory eventLoopDelayMs mode?', ''),
  line('info', 'overload is over', 'sheds pressure concurrency event_loop memory eventLoopDelayMs mode?', ''),
  line('warn', 'connections are turned away: a limit is reached', 'limit peerIp?', ''),
  line('info', 'connections are no longer turned away', 'limit refused', ''),
  line('debug', 'a TLS handshake failed', 'reason peerIp code', ''),
  line(
    'warn',
    'a request body could not be checked, and was refused',
    'reason bodies',
    'a thread died or took too long; `bodies` since the last such line',
  ),

  // Telling.
  line(
    'warn',
    'log lines were dropped: the reader of the log is too slow',
    'lines',
    'how many, now that it reads again',
  ),
  line('error', 'the metrics thread died: counters begin again at 0', 'reason', ''),
  line('error', 'the thread of the health checks died: another takes its place', 'reason', ''),
  line('warn', 'the collector takes no …: they wait, and are dropped when it takes too long', 'signal reason', ''),
  line('warn', 'the collector takes no metrics', 'signal reason', ''),
  line('info', 'the collector takes metrics again', 'signal', ''),
  line('info', 'the collector takes … again', 'signal dropped', ''),
];

/** Where `msg` may have anything in the place of "…". */
export function findGatewayLine(level: GatewayLine['level'] | null, msg: string): GatewayLine | null {
  return (
    gatewayLines.find((known) => (level === null || known.level === level) && patternOf(known.msg).test(msg)) ?? null
  );
}

function patternOf(msg: string): RegExp {
  const pieces = msg.split('…').map((piece) => piece.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${pieces.join('.*')}$`, 's');
}
