/** An exchange that has these header fields and nothing else that counts, and the config of API keys. */
import type { CompiledConfig } from '../../../src/contracts/compiled.ts';
import type { ApiKeyAuthConfig } from '../../../src/contracts/config.ts';
import { Exchange, type RequestHead } from '../../../src/contracts/exchange.ts';

export function exchangeWith(rawHeaders: readonly string[]): Exchange {
  const trace = { traceId: '', parentId: '', isSampled: false, traceparent: '', tracestate: '' };
  return new Exchange({ rawHeaders } as RequestHead, {} as CompiledConfig, 'id', trace, 0);
}

export function apiKeyConfig(more: Partial<ApiKeyAuthConfig> = {}): ApiKeyAuthConfig {
  return {
    type: 'apiKey',
    header: 'X-API-Key',
    secret: null,
    keys: [],
    keysFile: null,
    default: 'none',
    mode: 'enforce',
    ...more,
  };
}
