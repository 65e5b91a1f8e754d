/** The log of one process: pino's lines, and those of the access log, on one descriptor that all processes share. */
import { isatty } from 'node:tty';
import { pino } from 'pino';
import type { LoggingConfig } from '../contracts/config.ts';
import type { LineListener, Log } from '../contracts/log.ts';
import { LineWriter } from './line-writer.ts';
import { prettyLine } from './pretty.ts';

export interface LoggerOptions {
  /** Stands in every line; null in the supervisor's. */
  readonly worker: string | null;
  readonly config: Pick<LoggingConfig, 'level' | 'format'>;
  /** = 1 */
  readonly fd?: number;
}

export interface Logger extends Log {
  /** Takes up level and format from now on. */
  configure(config: Pick<LoggingConfig, 'level' | 'format'>): void;
  /** True when a line of this pino level (30: info) would be written. */
  writes(level: number): boolean;
  /** A line that is JSON already, with its newline; the level has been asked about. */
  writeLine(json: string): void;
  /** Who else is given each line from now on; null: nobody. */
  copyTo(listener: LineListener | null): void;
  /** Lines since the start that nobody will read: the reader was too slow, or has gone. */
  readonly droppedLines: number;
  flush(): void;
  /** Nothing can be logged after it. At exit it happens by itself. */
  close(): void;
}

/** Level and format until the config is known: errors must be seen. */
export const startupLogging: Pick<LoggingConfig, 'level' | 'format'> = { level: 'info', format: null };

export function createLogger({ worker, config, fd = 1 }: LoggerOptions): Logger {
  const onTerminal = isatty(fd);
  let isPretty = false;
  const writer = new LineWriter({
    fd,
    onDropped: (lines) => logger.warn({ lines }, 'log lines were dropped: the reader of the log is too slow'),
  });
  let listener: LineListener | null = null;
  const writeLine = (json: string): void => {
    writer.write(isPretty ? prettyLine(json, onTerminal) : json);
    listener?.(json);
  };
  const out = pino({ level: config.level, base: worker === null ? null : { worker } }, { write: writeLine });

  const logger: Logger = {
    debug: (fields, message) => out.debug(fields, message),
    info: (fields, message) => out.info(fields, message),
    warn: (fields, message) => out.warn(fields, message),
    error: (fields, message) => out.error(fields, message),
    fatal: (fields, message) => out.fatal(fields, message),
    configure({ level, format }) {
      out.level = level;
      isPretty = format === null ? onTerminal : format === 'pretty';
    },
    writes: (level) => level >= out.levelVal,
    writeLine,
    copyTo(next) {
      listener = next;
    },
    get droppedLines() {
      return writer.dropped;
    },
    flush: () => writer.flush(),
    close: () => writer.close(),
  };
  logger.configure(config);
  return logger;
}
