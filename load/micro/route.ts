/**
 * What a lookup costs, with 10 routes and with 10,000: it must not grow with their number. Run:
 * `bin/pinned-node load/micro/route.ts`. Both tables take turns, so that a busy machine slows both, and the medians count.
 */
import { performance } from 'node:perf_hooks';
import type { RouteSpec, RouteTable } from '../../src/contracts/route.ts';
import { canonicalizePath } from '../../src/core/canonical-path.ts';
import { findRouteProblems } from '../../src/route/problems.ts';
import { compileRouteTable, createRouteTable } from '../../src/route/table.ts';

const rounds = 41;
const lookupsPerRound = 100_000;
const noFields: readonly string[] = [];

const small = makeSpecs(10);
const large = makeSpecs(10_000);
const tables = { '10': compileRouteTable(small), '10,000': compileRouteTable(large) };

for (const [what, toPath] of [
  ['wildcard', (i: number) => `/api/service-${i}/users/12345`],
  ['parameter', (i: number) => `/api/service-${i}/users/12345/orders/678`],
  ['exact', (i: number) => `/api/service-${i}/status`],
  ['no route', (i: number) => `/other/service-${i}/status`],
] as const) {
  compare(what, toPath);
}
measureCanonicalPaths();
measureBuild();

/** Per service a wildcard, a path with parameters and an exact path, so that each depth of the trie is wide. */
function makeSpecs(count: number): RouteSpec<number>[] {
  return Array.from({ length: count }, (_, i) => {
    const service = `/api/service-${Math.floor(i / 3)}`;
    const path = [`${service}/*`, `${service}/users/:id/orders/:order`, `${service}/status`][i % 3] as string;
    return { path, host: null, methods: null, headers: [], route: i };
  });
}

function compare(what: string, toPath: (service: number) => string): void {
  const results = new Map<string, number[]>();
  for (let round = 0; round < rounds; round++) {
    for (const [name, table] of Object.entries(tables)) {
      const services = name === '10' ? 3 : 3_333;
      const paths = Array.from({ length: 1_000 }, (_, i) => fresh(toPath((i * 7) % services)));
      const times = results.get(name) ?? [];
      times.push(timeLookups(table, paths));
      results.set(name, times);
    }
  }
  const [few = 0, many = 0] = [...results.values()].map(median);
  report(`${what}, 10 routes`, few);
  report(`${what}, 10,000 routes`, many, `${(many / few).toFixed(2)} x`);
}

function timeLookups(table: RouteTable<number>, paths: readonly string[]): number {
  const startedAt = performance.now();
  for (let i = 0; i < lookupsPerRound; i++) {
    table.find('GET', 'gateway.example', paths[i % paths.length] as string, noFields, noFields);
  }
  return ((performance.now() - startedAt) / lookupsPerRound) * 1e6;
}

function measureCanonicalPaths(): void {
  for (const path of ['/api/service-7/users/12345', '/api/caf%C3%A9/%61/x', '/a/./b/../c', '/a%2Fb//c%5Cd']) {
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const startedAt = performance.now();
      for (let i = 0; i < 20_000; i++) canonicalizePath(path);
      times.push(((performance.now() - startedAt) / 20_000) * 1e6);
    }
    report(`canonicalize ${path}`, median(times));
  }
  for (const hostile of ['/'.repeat(8_000), '/a%2F%5c/'.repeat(880), '/%61'.repeat(2_000)]) {
    const startedAt = performance.now();
    for (let i = 0; i < 20; i++) canonicalizePath(hostile);
    report(`canonicalize 8 kB of ${hostile.slice(0, 9)}`, ((performance.now() - startedAt) / 20) * 1e6);
  }
}

function measureBuild(): void {
  const table = createRouteTable<number>();
  const startedAt = performance.now();
  for (const spec of large) table.addRoute(spec);
  report('addRoute', ((performance.now() - startedAt) / large.length) * 1e6);
  const judgedAt = performance.now();
  findRouteProblems(large);
  report('findRouteProblems, per route of 10,000', ((performance.now() - judgedAt) / large.length) * 1e6);
}

/** As it comes from a socket: a string of its own, whose hash nobody has computed yet. */
function fresh(path: string): string {
  return Buffer.from(path, 'latin1').toString('latin1');
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

function report(what: string, nanoseconds: number, note = ''): void {
  console.log(`${what.padEnd(44)} ${nanoseconds.toFixed(0).padStart(8)} ns  ${note}`);
}
