/**
 * What small requests feel of large bodies that are checked at the same time: the latency of GETs while clients send
 * 10 MB of JSON one after another, to a route with a schema and to one without, in turns, and alone.
 *
 *   npm run benchmark:large-bodies -- [--rounds 5] [--seconds 5] [--senders 2]
 *
 * Needs wrk. With two processors or more, the gateway stays on one, its threads too, and load and upstream on another.
 */
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { startGateway, startSink } from './peers/peers.ts';
import { type LoadReport, runWrk } from './wrk.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
    senders: { type: 'string', default: '2' },
  },
});
const hasTwo = availableParallelism() >= 2;
const otherCpu = hasTwo ? 1 : null;
const shape = { connections: 8, seconds: Number(values.seconds), cpu: otherCpu };

const item = {
  type: 'object',
  required: ['id', 'name'],
  properties: { id: { type: 'integer' }, name: { type: 'string' } },
};
const entry = { id: 12_345, name: 'A thing of some kind', price: 12.5, tags: ['new', 'small'] };
const body = Buffer.from(JSON.stringify(Array.from({ length: 134_000 }, () => entry)));

const sink = await startSink(otherCpu);
const gateway = await startGateway(
  'gateway',
  Number(new URL(sink.url).port),
  hasTwo ? 0 : null,
  { level: 'silent' },
  {
    routes: [
      { path: '/*', upstream: 'origin' },
      { path: '/streamed', upstream: 'origin', maxBodySize: '20mb' },
      { path: '/checked', upstream: 'origin', maxBodySize: '20mb', validate: { body: { type: 'array', items: item } } },
    ],
  },
);

interface Round extends LoadReport {
  readonly bodiesPerSecond: number;
}

const kinds: readonly (readonly [name: string, path: string | null])[] = [
  ['nothing else', null],
  ['10 MB bodies, streamed', '/streamed'],
  ['10 MB bodies, checked', '/checked'],
];
const measured = new Map<string, Round[]>(kinds.map(([name]) => [name, []]));
for (let round = 0; round < Number(values.rounds); round++) {
  for (const [name, path] of kinds) {
    const senders = path === null ? null : sendFor(path, Number(values.senders));
    const report = await runWrk(gateway.url, shape);
    const bodies = senders === null ? 0 : await senders.stop();
    measured.get(name)?.push({ ...report, bodiesPerSecond: bodies / shape.seconds });
  }
}

console.log(`${cpus()[0]?.model}, ${availableParallelism()} processors; Node ${process.versions.node};`);
console.log(
  `${shape.connections} connections, ${values.senders} senders of ${body.length} bytes, medians of ${values.rounds} rounds of ${values.seconds} s\n`,
);
console.log(
  '| beside them | small requests/s | p50 ms | p99 ms | bodies/s | failures |\n|---|---:|---:|---:|---:|---:|',
);
for (const [name] of kinds) {
  const of = (key: keyof Round): number => median((measured.get(name) ?? []).map((round) => round[key]));
  const cells = [
    Math.round(of('requestsPerSecond')),
    of('p50Ms').toFixed(2),
    of('p99Ms').toFixed(2),
    of('bodiesPerSecond').toFixed(1),
    of('failures'),
  ];
  console.log(`| ${name} | ${cells.join(' | ')} |`);
}
process.exit(0);

/** Each sender sends one body after another. */
function sendFor(path: string, count: number): { stop: () => Promise<number> } {
  let goesOn = true;
  let sent = 0;
  const senders = Array.from({ length: count }, async () => {
    while (goesOn) {
      const outgoing = request(new URL(path, gateway.url), {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-length': body.length },
      });
      outgoing.end(body);
      const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
      answer.resume();
      await once(answer, 'end');
      if (answer.statusCode !== 200) throw new Error(`a body was answered with ${answer.statusCode}`);
      sent++;
    }
  });
  return {
    async stop() {
      const inTime = sent;
      goesOn = false;
      await Promise.all(senders);
      return inTime;
    },
  };
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0;
}
