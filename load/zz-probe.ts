import http from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { limitedUpstream } from '../test/support/limited-upstream.ts';
import { startGateway } from './peers/peers.ts';

const mode = JSON.parse(process.argv[2] ?? '{"adaptive":true}');
const up = JSON.parse(process.argv[3] ?? '{}');
const seconds = Number(process.argv[4] ?? 5);
const upstream = await limitedUpstream(20, 50);
const gw = await startGateway(
  'x',
  Number(new URL(upstream.url).port),
  null,
  { level: 'silent' },
  {
    overload: mode,
    upstreams: [{ name: 'origin', url: upstream.url, ...up }],
    routes: [
      { path: '/*', upstream: 'origin' },
      { path: '/high', upstream: 'origin', priority: 'high' },
      { path: '/normal', upstream: 'origin' },
      { path: '/low', upstream: 'origin', priority: 'low' },
    ],
  },
);
const url = gw.url.replace(/\/$/, '');
const agent = new http.Agent({ keepAlive: true, maxFreeSockets: 4096 });
type O = { path: string; at: number; status: number; ms: number };
const all: O[] = [];
const t0 = performance.now();
const present: [number, number][] = [];
setInterval(() => present.push([performance.now() - t0, upstream.present]), 20).unref();
const h = monitorEventLoopDelay({ resolution: 10 });
h.enable();
function one(path: string) {
  const s = performance.now();
  return new Promise<void>((resolve) => {
    const end = (status: number) => {
      all.push({ path, at: s - t0, status, ms: performance.now() - s });
      resolve();
    };
    const r = http.get(url + path, { agent, timeout: 30000 }, (res) => {
      res.resume();
      res.on('end', () => end(res.statusCode ?? 0));
      res.on('error', () => end(0));
    });
    r.on('error', () => end(0));
  });
}
async function send(load: number, secs: number) {
  const rates = { '/high': 0.1, '/normal': 0.45, '/low': 0.45 };
  const start = performance.now();
  const ps: Promise<void>[] = [];
  const sent: Record<string, number> = { '/high': 0, '/normal': 0, '/low': 0 };
  for (;;) {
    const e = (performance.now() - start) / 1000;
    if (e > secs) break;
    for (const [p, share] of Object.entries(rates)) {
      const due = Math.floor(e * share * load * 400) + 1;
      while (sent[p]! < due) {
        sent[p]!++;
        ps.push(one(p));
      }
    }
    await new Promise((r) => setTimeout(r, 2));
  }
  await Promise.all(ps);
}
const pct = (v: number[], s: number) => {
  const a = [...v].sort((x, y) => x - y);
  return Math.round(a[Math.min(a.length - 1, Math.floor(a.length * s))] ?? -1);
};
await send(0.5, 2);
await send(0.95, seconds);
const from = performance.now() - t0;
console.log('loop max before', (h.max / 1e6).toFixed(0));
h.reset();
await send(3, seconds);
console.log('loop mean/max', (h.mean / 1e6).toFixed(1), (h.max / 1e6).toFixed(0));
const before = all.filter((o) => o.at < from && o.at > 2000);
for (const p of ['/high', '/normal', '/low'])
  console.log(
    'before',
    p,
    pct(
      before.filter((o) => o.path === p && o.status === 200).map((o) => o.ms),
      0.5,
    ),
    pct(
      before.filter((o) => o.path === p && o.status === 200).map((o) => o.ms),
      0.99,
    ),
    before.filter((o) => o.path === p && o.status !== 200).length,
  );
const ov = all.filter((o) => o.at >= from);
for (const p of ['/high', '/normal', '/low']) {
  const s = ov.filter((o) => o.path === p && o.status === 200).map((o) => o.ms);
  console.log(
    'over',
    p,
    'served',
    s.length,
    '/',
    ov.filter((o) => o.path === p).length,
    'p50',
    pct(s, 0.5),
    'p90',
    pct(s, 0.9),
    'p99',
    pct(s, 0.99),
    '503 p50',
    pct(
      ov.filter((o) => o.path === p && o.status === 503).map((o) => o.ms),
      0.5,
    ),
    'p99',
    pct(
      ov.filter((o) => o.path === p && o.status === 503).map((o) => o.ms),
      0.99,
    ),
  );
}
for (let b = 0; b < seconds * 4; b++) {
  const lo = from + b * 250,
    hi = lo + 250;
  const hs = ov.filter((o) => o.path === '/high' && o.at >= lo && o.at < hi && o.status === 200).map((o) => o.ms);
  const rs = ov.filter((o) => o.at >= lo && o.at < hi && o.status === 503).map((o) => o.ms);
  const pr = present.filter(([t]) => t >= lo && t < hi).map(([, n]) => n);
  console.log(
    `${b * 250}ms high n=${hs.length} p50=${pct(hs, 0.5)} max=${pct(hs, 1)} refused p50=${pct(rs, 0.5)} max=${pct(rs, 1)} upstream present max=${Math.max(...pr)} min=${Math.min(...pr)}`,
  );
}
process.exit(0);
