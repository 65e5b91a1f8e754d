/** The process's own log, as everyone sees it who has something to tell: an event's fields and a sentence. */
export interface Log {
  debug(fields: Readonly<Record<string, unknown>>, message: string): void;
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
  fatal(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** Hears every line as JSON, whatever form it is written in. */
export type LineListener = (line: string) => void;
