/**
 * What auth and validation cost: one gateway with a route for each, put under the same load in turns, so that a noisy
 * moment of the machine hits all of them. Each request is a POST with 1 KB of JSON.
 *
 *   npm run benchmark:policies -- [--rounds 7] [--seconds 4] [--connections 32]
 *
 * Needs wrk and nginx. With two processors or more, the gateway stays on one, and load and upstream on another.
 */
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cpuMicros, startGateway, startOrigin } from './peers/peers.ts';
import { type LoadShape, runWrk } from './wrk.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '4' },
    connections: { type: 'string', default: '32' },
  },
});
const rounds = Number(values.rounds);
const hasTwo = availableParallelism() >= 2;
const otherCpu = hasTwo ? 1 : null;
const shape: LoadShape = { connections: Number(values.connections), seconds: Number(values.seconds), cpu: otherCpu };

const folder = mkdtempSync(join(tmpdir(), 'sluice-policies-'));
process.on('exit', () => rmSync(folder, { recursive: true }));

const key = 'slk_a-key-of-the-usual-length-0123456789';
const secret = 'a secret of the usual length';
const item = {
  sku: 'A-12345',
  name: 'A thing of some kind',
  quantity: 3,
  price: 12.5,
  tags: ['new', 'small'],
  gift: false,
};
const body = JSON.stringify({
  customer: '123e4567-e89b-12d3-a456-426614174000',
  items: Array.from({ length: 9 }, () => item),
});
const schema = {
  type: 'object',
  required: ['customer', 'items'],
  properties: {
    customer: { type: 'string', format: 'uuid' },
    items: { type: 'array', maxItems: 100, items: { $ref: '#/$defs/item' } },
  },
  additionalProperties: false,
  $defs: {
    item: {
      type: 'object',
      required: ['sku', 'quantity', 'price'],
      properties: {
        sku: { type: 'string', pattern: '^[A-Z]-[0-9]+$' },
        name: { type: 'string', maxLength: 100 },
        quantity: { type: 'integer', minimum: 1 },
        price: { type: 'number', minimum: 0 },
        tags: { type: 'array', items: { type: 'string' }, uniqueItems: true },
        gift: { type: 'boolean' },
      },
      additionalProperties: false,
    },
  },
};
const policies: readonly (readonly [name: string, path: string, policy: object])[] = [
  ['none', '/plain', {}],
  ['auth', '/auth', { auth: 'required' }],
  ['validate: media type', '/type', { validate: { contentTypes: ['application/json'] } }],
  ['validate: body', '/body', { validate: { body: schema } }],
  ['auth and validate: body', '/both', { auth: 'required', validate: { body: schema } }],
];

const script = join(folder, 'post.lua');
writeFileSync(
  script,
  `wrk.method = "POST"\nwrk.body = [[${body}]]\nwrk.headers["Content-Type"] = "application/json"\nwrk.headers["X-API-Key"] = "${key}"\n`,
);
const origin = await startOrigin(otherCpu);
const digest = createHmac('sha256', secret).update(key).digest('hex');
const gateway = await startGateway(
  'gateway',
  Number(new URL(origin.url).port),
  hasTwo ? 0 : null,
  { level: 'silent' },
  {
    security: { auth: { type: 'apiKey', secret, keys: [{ key: digest, name: 'bench' }] } },
    routes: [
      { path: '/', upstream: 'origin' },
      ...policies.map(([, path, policy]) => ({ path, upstream: 'origin', ...policy })),
    ],
  },
);

const costs = new Map<string, number[]>(policies.map(([name]) => [name, []]));
let failures = 0;
for (const [, path] of policies) await runWrk(url(path), { ...shape, seconds: 2 }, script);
for (let round = 0; round < rounds; round++) {
  for (const [name, path] of policies) {
    const before = cpuMicros(gateway.pid);
    const report = await runWrk(url(path), shape, script);
    costs.get(name)?.push((cpuMicros(gateway.pid) - before) / report.requests);
    failures += report.failures;
  }
}

const plain = median(costs.get('none') ?? []);
console.log(`${cpus()[0]?.model}, ${availableParallelism()} processors; Node ${process.versions.node};`);
console.log(
  `POST with ${body.length} bytes of JSON, ${shape.connections} connections, medians of ${rounds} rounds of ${shape.seconds} s\n`,
);
console.log('| policy | CPU µs/request | more than none |\n|---|---:|---:|');
for (const [name] of policies) {
  const cost = median(costs.get(name) ?? []);
  console.log(
    `| ${name} | ${cost.toFixed(1)} | ${(cost - plain).toFixed(1)} (${((100 * (cost - plain)) / plain).toFixed(0)} %) |`,
  );
}
console.log(`\nfailures: ${failures}`);
process.exit(0);

function url(path: string): string {
  return new URL(path, gateway.url).href;
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0;
}
