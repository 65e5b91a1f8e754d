/** What a finished request leaves in the log. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CompiledConfig, CompiledRoute } from '../../../src/contracts/compiled.ts';
import { Exchange, type RequestHead } from '../../../src/contracts/exchange.ts';
import type { Target, Upstream } from '../../../src/contracts/upstream.ts';
import { closingRefusal, refusal } from '../../../src/core/refusals.ts';
import { AccessLog } from '../../../src/log/access-log.ts';
import { accessLogFields } from '../../../src/log/access-log-fields.ts';

test('a line has every documented field, and no other', () => {
  const x = exchange({ target: '/a/b?key=secret', queryAt: 4 });
  x.route = { label: 'users' } as CompiledRoute;
  x.upstream = { name: 'primary' } as Upstream;
  x.target = { label: 'api.test:443' } as Target;
  Object.assign(x, { attempts: 2, upstreamMs: 7.126, consumer: 'Client "A"', status: 502, bytesIn: 3, bytesOut: 4 });
  Object.assign(x, {
    aborted: true,
    refusal: refusal('upstream_reset', ''),
    shadow: ['unauthorized'],
    failure: 'ECONNRESET',
    fallbackFor: 'first',
    recording: { spanId: 'b7ad6b7169203331' },
  });
  const [line] = write(x);
  assert.deepEqual(line, {
    level: 50,
    time: 1_700_000_000_000,
    worker: '2',
    msg: 'request',
    requestId: 'id-1',
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    clientIp: '192.0.2.7',
    method: 'GET',
    host: 'api.example.com',
    path: '/a/b',
    route: 'users',
    status: 502,
    code: 'upstream_reset',
    error: 'ECONNRESET',
    durationMs: 12.35,
    upstream: 'primary',
    fallbackFor: 'first',
    target: 'api.test:443',
    upstreamMs: 7.13,
    attempts: 2,
    consumer: 'Client "A"',
    bytesIn: 3,
    bytesOut: 4,
    aborted: true,
    shadow: ['unauthorized'],
    sampleRate: 1,
  });
  assert.deepEqual(Object.keys(line ?? {}).sort(), Object.keys(accessLogFields).sort());
});

test('what does not apply is absent; a request without a route has the route of the metrics', () => {
  const [line] = write(Object.assign(exchange(), { status: 404, refusal: refusal('no_route', '') }));
  assert.deepEqual([line?.['route'], line?.['code'], line?.['level']], ['none', 'no_route', 30]);
  for (const field of ['upstream', 'target', 'upstreamMs', 'attempts', 'consumer', 'aborted', 'shadow']) {
    assert.ok(!(field in (line ?? {})), field);
  }
});

test('header fields never appear', () => {
  const rawHeaders = ['Authorization', 'Bearer s3cret', 'Cookie', 'sid=s3cret', 'X-API-Key', 's3cret'];
  assert.doesNotMatch(JSON.stringify(write(exchange({ rawHeaders }))), /s3cret/);
});

test('the query is there only when the config says so', () => {
  const x = exchange({ target: '/a?b=c', queryAt: 2 });
  assert.equal(write(x)[0]?.['path'], '/a');
  assert.equal(write(x, { query: true })[0]?.['path'], '/a?b=c');
});

test('a path of any bytes and any length gives one JSON line', () => {
  const target = `/${'"\\\n\u0000é'.repeat(3000)}`;
  const [line] = write(
    Object.assign(exchange({ target, queryAt: target.length }), {
      status: 400,
      refusal: closingRefusal('bad_request', ''),
    }),
  );
  assert.equal(line?.['path'], `${target.slice(0, 2000)}…`);
});

test('5xx are errors, cut exchanges warnings, all else information', () => {
  const levelOf = (status: number, aborted = false) =>
    write(Object.assign(exchange(), { status, aborted }))[0]?.['level'];
  assert.deepEqual([levelOf(200), levelOf(404), levelOf(429)], [30, 30, 30]);
  assert.deepEqual([levelOf(499, true), levelOf(200, true)], [40, 40]);
  assert.deepEqual([levelOf(500), levelOf(504, true)], [50, 50]);
});

test('a level above a line’s own keeps it from being written', () => {
  assert.equal(write(Object.assign(exchange(), { status: 200 }), { level: 40 }).length, 0);
  assert.equal(write(Object.assign(exchange(), { status: 500 }), { level: 40 }).length, 1);
});

test('successes and errors are sampled each at their own rate, and say so', () => {
  const sampling = { successRate: 0.25, errorRate: 0.5 };
  const at = (random: number, status: number, aborted = false) =>
    write(Object.assign(exchange(), { status, aborted }), { sampling, random })[0]?.['sampleRate'];
  assert.deepEqual([at(0.24, 200), at(0.25, 200), at(0.24, 404)], [0.25, undefined, 0.25]);
  assert.deepEqual([at(0.49, 500), at(0.5, 500), at(0.3, 200, true)], [0.5, undefined, 0.5]);
});

test('a probe that is told of no readiness alarms nobody, and is sampled like any 5xx', () => {
  const x = Object.assign(exchange({ path: '/health/ready' }), { status: 503 });
  const [line] = write(x, { sampling: { successRate: 0, errorRate: 0.5 }, random: 0.4 });
  assert.deepEqual([line?.['level'], line?.['sampleRate']], [30, 0.5]);
});

test('a rate of 0 writes none and a rate of 1 all, whatever chance says', () => {
  const sampling = { successRate: 0, errorRate: 1 };
  assert.equal(write(Object.assign(exchange(), { status: 200 }), { sampling, random: 0 }).length, 0);
  assert.equal(write(Object.assign(exchange(), { status: 500 }), { sampling, random: 0.999999 }).length, 1);
});

interface Settings {
  readonly query?: boolean;
  readonly level?: number;
  readonly sampling?: { readonly successRate: number; readonly errorRate: number };
  readonly random?: number;
  readonly thinsLog?: boolean;
}

test('an overloaded worker writes a tenth of the lines, and each says of how many it is one', () => {
  const settings = { thinsLog: true, sampling: { successRate: 0.7, errorRate: 1 } };
  const ok = Object.assign(exchange(), { status: 200 });
  assert.deepEqual(write(ok, { ...settings, random: 0.07 }), []);
  assert.equal(write(ok, { ...settings, random: 0.069 })[0]?.['sampleRate'], 0.07);
  assert.equal(
    write(Object.assign(exchange(), { status: 503 }), { ...settings, random: 0.09 })[0]?.['sampleRate'],
    0.1,
  );
});

function write(x: Exchange, settings: Settings = {}): Record<string, unknown>[] {
  const { query = false, level = 0, random = 0.5, thinsLog = false } = settings;
  const { sampling = { successRate: 1, errorRate: 1 } } = settings;
  const lines: string[] = [];
  const log = new AccessLog({
    logger: { writes: (of) => of >= level, writeLine: (line) => lines.push(line) },
    worker: '2',
    random: () => random,
    overload: { thinsLog },
  });
  log.configure({ query, sampling });
  log.write(x, 12.345678, 1_700_000_000_000);
  return lines.map((line) => {
    assert.match(line, /^[^\n]*\n$/);
    return JSON.parse(line) as Record<string, unknown>;
  });
}

function exchange(head: Partial<RequestHead> = {}): Exchange {
  const whole = {
    method: 'GET',
    target: '/',
    path: '/',
    queryAt: head.target?.length ?? 1,
    host: 'api.example.com',
    rawHeaders: [],
    client: { ip: '192.0.2.7' },
    ...head,
  } as unknown as RequestHead;
  const trace = {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    parentId: '',
    isSampled: false,
    traceparent: '',
    tracestate: '',
  };
  return new Exchange(whole, {} as CompiledConfig, 'id-1', trace, 0);
}
