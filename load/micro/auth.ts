/**
 * What finding out who a client is costs, with 10 keys and with 100,000: it must not grow with their number. Run:
 * `bin/pinned-node load/micro/auth.ts`. All take turns, so that a busy machine slows all, and the medians count.
 */
import { createHmac, createSecretKey } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { compileApiKey } from '../../src/auth/api-key.ts';
import { createKeyDigest } from '../../src/auth/key-digest.ts';
import type { Authenticator } from '../../src/contracts/auth.ts';
import type { CompiledConfig } from '../../src/contracts/compiled.ts';
import type { ApiKeyAuthConfig } from '../../src/contracts/config.ts';
import { Exchange, type RequestHead } from '../../src/contracts/exchange.ts';

const rounds = 41;
const lookupsPerRound = 10_000;
const secret = 'a secret of the usual length, 256 bits of hex or so: 0123456789abcdef';
const trace = { traceId: '', parentId: '', isSampled: false, traceparent: '', tracestate: '' };

const few = await compile(10, secret);
const many = await compile(100_000, secret);
const plain = { few: await compile(10, null), many: await compile(100_000, null) };
const known = exchanges((i) => keyOf(i % 10));
const spread = exchanges((i) => keyOf((i * 7919) % 100_000));
const unknown = exchanges((i) => keyOf(200_000 + i));
const none = exchanges(() => null);

const results = measure({
  'HMAC, 10 keys': () => lookUp(few, known),
  'HMAC, 100,000 keys': () => lookUp(many, known),
  'HMAC, 100,000 keys, each asked for in turn': () => lookUp(many, spread),
  'HMAC, 10 keys, unknown': () => lookUp(few, unknown),
  'HMAC, 100,000 keys, unknown': () => lookUp(many, unknown),
  'SHA-256, 10 keys': () => lookUp(plain.few, known),
  'SHA-256, 100,000 keys': () => lookUp(plain.many, known),
  'no key shown': () => lookUp(many, none),
  'digest alone, as built': digestAll(createKeyDigest(secret)),
  'digest alone, createHmac': digestAll(createWithNode()),
});
for (const [what, nanoseconds] of Object.entries(results)) report(what, nanoseconds);
const ratio = (results['HMAC, 100,000 keys'] ?? 0) / (results['HMAC, 10 keys'] ?? 1);
console.log(`100,000 keys against 10: ${ratio.toFixed(2)} x`);
await measureCompile();

function keyOf(i: number): string {
  return `slk_${String(i).padStart(43, 'k')}`;
}

function configOf(count: number, ofSecret: string | null): ApiKeyAuthConfig {
  const digestOf = createKeyDigest(ofSecret);
  const keys = Array.from({ length: count }, (_, i) => ({ key: digestOf(keyOf(i)), name: `client ${i}` }));
  return {
    type: 'apiKey',
    header: 'X-API-Key',
    secret: ofSecret,
    keys,
    keysFile: null,
    default: 'none',
    mode: 'enforce',
  };
}

function compile(count: number, ofSecret: string | null): Promise<Authenticator> {
  return compileApiKey(configOf(count, ofSecret));
}

/** With the fields of an ordinary client, and the key as it comes from a socket: a string of its own. */
function exchanges(keyFor: (i: number) => string | null): Exchange[] {
  return Array.from({ length: 1_000 }, (_, i) => {
    const key = keyFor(i);
    const rawHeaders = ['Host', 'gateway.example', 'User-Agent', 'curl/8.5.0', 'Accept', '*/*', 'Connection', 'close'];
    if (key !== null) rawHeaders.push('X-API-Key', Buffer.from(key, 'latin1').toString('latin1'));
    return new Exchange({ rawHeaders } as unknown as RequestHead, {} as CompiledConfig, 'id', trace, 0);
  });
}

function lookUp(authenticator: Authenticator, asked: readonly Exchange[]): void {
  for (let i = 0; i < lookupsPerRound; i++) authenticator.authenticate(asked[i % asked.length] as Exchange);
}

function digestAll(digestOf: (key: string) => string): () => void {
  const keys = Array.from({ length: 1_000 }, (_, i) => keyOf(i));
  return () => {
    for (let i = 0; i < lookupsPerRound; i++) digestOf(keys[i % keys.length] as string);
  };
}

/** What everybody would write. */
function createWithNode(): (key: string) => string {
  const key = createSecretKey(Buffer.from(secret));
  return (text) => createHmac('sha256', key).update(text, 'latin1').digest('hex');
}

function measure(cases: Readonly<Record<string, () => void>>): Record<string, number> {
  const times: Record<string, number[]> = {};
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of Object.entries(cases)) {
      const startedAt = performance.now();
      run();
      times[name] ??= [];
      times[name].push(((performance.now() - startedAt) / lookupsPerRound) * 1e6);
    }
  }
  return Object.fromEntries(Object.entries(times).map(([name, values]) => [name, median(values)]));
}

/** Taking up a config: what the longest turn of the event loop costs. CPU time, since others use the machine too. */
async function measureCompile(): Promise<void> {
  const config = configOf(100_000, secret);
  let longest = 0;
  let before = process.cpuUsage();
  let done = false;
  const watch = (): void => {
    const { user, system } = process.cpuUsage(before);
    longest = Math.max(longest, (user + system) / 1_000);
    before = process.cpuUsage();
    if (!done) setImmediate(watch);
  };
  setImmediate(watch);
  const startedAt = performance.now();
  await compileApiKey(config);
  done = true;
  report('compile, per key of 100,000', ((performance.now() - startedAt) / 100_000) * 1e6);
  console.log(`longest slice: ${longest.toFixed(1)} ms of CPU`);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

function report(what: string, nanoseconds: number): void {
  console.log(`${what.padEnd(44)} ${nanoseconds.toFixed(0).padStart(8)} ns`);
}
