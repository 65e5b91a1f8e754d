/** What the supervisor is told by signals, from its first moment on; what comes too early waits. */

export interface SignalHandlers {
  reload(): void;
  replaceWorkers(): void;
}

export interface Signals {
  /** Aborted by the first SIGTERM or SIGINT; the reason is the signal's name. */
  readonly stop: AbortSignal;
  /** Aborted by the second one. */
  readonly atOnce: AbortSignal;
  /** From now on SIGHUP and SIGUSR2 are obeyed, also those that came before. */
  obey(handlers: SignalHandlers): void;
}

export function listenToSignals(): Signals {
  const stop = new AbortController();
  const atOnce = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) atOnce.abort(signal);
      else stop.abort(signal);
    });
  }

  let handlers: SignalHandlers | null = null;
  const early = new Set<keyof SignalHandlers>();
  const tell = (what: keyof SignalHandlers): void => {
    if (handlers === null) early.add(what);
    else handlers[what]();
  };
  process.on('SIGHUP', () => tell('reload'));
  process.on('SIGUSR2', () => tell('replaceWorkers'));
  return {
    stop: stop.signal,
    atOnce: atOnce.signal,
    obey(obeying) {
      handlers = obeying;
      for (const what of early) obeying[what]();
      early.clear();
    },
  };
}
