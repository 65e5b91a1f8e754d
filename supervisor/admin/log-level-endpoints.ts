/** GET and POST /log-level: how much all processes log, for a while or until the next config. */
import type { LoggingConfig } from '../../src/contracts/config.ts';
import { type AdminAnswer, type AdminRequest, type Endpoint, json } from './endpoint.ts';
import { bad, maxJsonBytes, readDuration, readJson } from './read-json.ts';

export type LogLevel = LoggingConfig['level'];

export interface LogLevelReport {
  readonly level: LogLevel;
  /** The config's, which comes back with a reload. */
  readonly configured: LogLevel;
  /** When it comes back by itself, ISO 8601; null: it does not, or it is in force. */
  readonly until: string | null;
}

export interface LogLevelGateway {
  readonly logLevel: () => LogLevelReport;
  /** `level` null: the config's again. `forMs` null: until the next config. */
  readonly setLogLevel: (level: LogLevel | null, forMs: number | null) => void;
}

const levels: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

export function logLevelEndpoints(gateway: LogLevelGateway): readonly Endpoint[] {
  return [
    { method: 'GET', path: '/log-level', for: 'operators', answer: () => json(gateway.logLevel()) },
    {
      method: 'POST',
      path: '/log-level',
      for: 'operators',
      maxBodyBytes: maxJsonBytes,
      answer: (request) => change(gateway, request),
    },
  ];
}

function change(gateway: LogLevelGateway, { body }: AdminRequest): AdminAnswer {
  const members = readJson(body, ['level', 'for']);
  const level = levels.find((known) => known === members['level']);
  if (level === undefined && members['level'] !== null) {
    throw bad(`"level" is one of ${levels.join(', ')}, or null for the config's`);
  }
  gateway.setLogLevel(level ?? null, readDuration('for', members['for']));
  return json(gateway.logLevel());
}
