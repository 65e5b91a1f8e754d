/** The log as its reader sees it: whole lines from many processes, and no harm from a reader that is slow or gone. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createLogger } from '../../../src/log/logger.ts';
import { eventually, within } from '../../support/deadline.ts';

const node = join(import.meta.dirname, '../../../bin/pinned-node');
const writer = join(import.meta.dirname, '../../support/log-lines.ts');

const count = 1500;

test('three processes write to one pipe whose reader is slow, and every line is whole', async () => {
  // A real pipe, which Node's own stdio is not; its reader takes a pause before and between its looks.
  const each = `"${node}" "${writer}" $i ${count} <&3 &`;
  const shell = spawn('sh', ['-c', `{ for i in 1 2 3; do ${each} done; wait; } 3<&0 | cat`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const chunks: Buffer[] = [];
  let newlines = 0;
  shell.stdout.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    for (const byte of chunk) if (byte === 10) newlines++;
    if (newlines >= 3 * count) shell.stdin.end();
    shell.stdout.pause();
    setTimeout(() => shell.stdout.resume(), 5);
  });
  shell.stdout.pause();
  setTimeout(() => shell.stdout.resume(), 500);
  await within(once(shell, 'close'), 'the writers', 60_000);
  const lines = Buffer.concat(chunks).toString().trimEnd().split('\n');
  const seen = new Map<string, number[]>();
  for (const line of lines) {
    assert.ok(Buffer.byteLength(line) < 4096);
    const { worker, i, msg } = JSON.parse(line) as { worker: string; i: number; msg: string };
    assert.equal(msg, 'line');
    seen.set(worker, [...(seen.get(worker) ?? []), i]);
  }
  assert.deepEqual([...seen.keys()].sort(), ['1', '2', '3']);
  for (const numbers of seen.values()) assert.deepEqual(numbers, [...Array(count).keys()]);
});

test('a reader that goes away does not end the process', async () => {
  const script = `
    const { createLogger } = await import('${join(import.meta.dirname, '../../../src/log/logger.ts')}');
    const logger = createLogger({ worker: null, config: { level: 'info', format: 'json' } });
    const timer = setInterval(() => logger.info({}, 'still here'), 20);
    process.on('message', () => { clearInterval(timer); process.disconnect(); });`;
  const child = spawn(node, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  await within(once(child.stdout as NodeJS.ReadableStream, 'data'), 'a line');
  child.stdout?.destroy();
  await new Promise((resolve) => setTimeout(resolve, 300));
  child.send('end');
  const [code] = (await within(once(child, 'close'), 'the end')) as [number];
  assert.equal(code, 0);
});

test('a reader that is stuck costs memory up to a bound, and an exit at most a second', async () => {
  const script = `
    const { createLogger } = await import('${join(import.meta.dirname, '../../../src/log/logger.ts')}');
    const logger = createLogger({ worker: null, config: { level: 'info', format: 'json' } });
    const text = 'x'.repeat(1000);
    for (let i = 0; i < 100000; i++) { logger.info({ text }, 'much'); if (i % 1000 === 0) await new Promise(setImmediate); }
    process.send(process.memoryUsage.rss());
    process.on('message', () => { process.exit(0) });`;
  const child = spawn(node, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  const [rss] = (await within(once(child, 'message'), 'the lines', 30_000)) as [number];
  assert.ok(rss < 250e6, `${rss} bytes`);
  const askedAt = performance.now();
  child.send('end');
  await within(once(child, 'exit'), 'the exit');
  assert.ok(performance.now() - askedAt < 3000);
  child.stdout?.destroy();
});

test('a socket whose reader is stuck holds up nobody, though each child that is started makes it blocking', async () => {
  const script = `
    const { spawnSync } = await import('node:child_process');
    const { createLogger } = await import('${join(import.meta.dirname, '../../../src/log/logger.ts')}');
    const logger = createLogger({ worker: null, config: { level: 'info', format: 'json' } });
    spawnSync('true', { stdio: 'inherit' });
    for (let i = 0; i < 5000; i++) logger.info({ fill: 'x'.repeat(1000) }, 'line');
    logger.flush();
    process.exit(7);
  `;
  // Node's own stdio pipes are sockets, as a service manager's are. Nobody reads this one.
  const child = spawn(node, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    assert.deepEqual(await within(once(child, 'exit'), 'the writer to end', 15_000), [7, null]);
  } finally {
    child.kill('SIGKILL');
  }
});

test('dropped lines are told when the reader is back', async () => {
  const script = `
    const { createLogger } = await import('${join(import.meta.dirname, '../../../src/log/logger.ts')}');
    const logger = createLogger({ worker: null, config: { level: 'info', format: 'json' } });
    for (let i = 0; i < 20000; i++) logger.info({ text: 'x'.repeat(1000) }, 'much');
    process.send('full');
    process.on('message', () => { process.disconnect() });`;
  const child = spawn(node, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  await within(once(child, 'message'), 'the lines');
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const dropped = await eventually(() => /"lines":(\d+),"msg":"log lines were dropped/.exec(text), 'the warning');
  child.send('end');
  await within(once(child, 'close'), 'the end');
  const whole = text.split('\n').filter((line) => line.includes('"much"')).length;
  assert.equal(whole + Number(dropped[1]), 20000);
});

test('a line is written within a second by itself', async (t) => {
  const { logger, lines } = logTo(t, { level: 'info', format: 'json' });
  logger.info({ port: 3000 }, 'listening');
  await eventually(() => (lines().length > 0 ? true : null), 'the line', 1000);
  assert.deepEqual(lines()[0], { ...lines()[0], level: 30, worker: '3', port: 3000, msg: 'listening' });
});

test('level and format change while running', (t) => {
  const { logger, text } = logTo(t, { level: 'warn', format: 'json' });
  logger.info({}, 'not yet');
  assert.equal(logger.writes(30), false);
  logger.configure({ level: 'info', format: 'pretty' });
  assert.equal(logger.writes(30), true);
  logger.info({ answer: 42, bad: 'a\x1b[31mb\n' }, 'now');
  logger.flush();
  assert.match(text(), /^\d\d:\d\d:\d\d\.\d{3} info {2}\[3\] now answer=42 bad=a\\u001b\[31mb\\n\n$/);
});

test('an error keeps its stack, in both formats', (t) => {
  const { logger, text } = logTo(t, { level: 'info', format: 'json' });
  logger.error({ err: new Error('broken') }, 'failed');
  logger.configure({ level: 'info', format: 'pretty' });
  logger.error({ err: new Error('broken') }, 'failed');
  logger.flush();
  const [json = '', ...pretty] = text().split('\n');
  assert.match((JSON.parse(json) as { err: { stack: string } }).err.stack, /logger\.test\.ts/);
  assert.match(pretty[0] ?? '', /error .*failed$/);
  assert.match(pretty.join('\n'), /\n {4}Error: broken\n {8}at .*logger\.test\.ts/);
});

test('a line that is too long is cut and still JSON', (t) => {
  const { logger, lines, text } = logTo(t, { level: 'info', format: 'json' });
  logger.info({ long: '€'.repeat(5000), short: 'kept' }, 'cut');
  logger.info(Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`key${i}`, i])), 'many');
  logger.flush();
  const [cut, many] = lines();
  assert.equal(cut?.['short'], 'kept');
  assert.match(String(cut?.['long']), /^€+…$/);
  assert.equal(many?.['msg'], 'many');
  assert.ok(
    text()
      .split('\n')
      .every((line) => Buffer.byteLength(line) < 4096),
  );
});

function logTo(t: TestContext, config: Parameters<typeof createLogger>[0]['config']) {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-log-'));
  const file = join(folder, 'log');
  const logger = createLogger({ worker: '3', config, fd: openSync(file, 'a') });
  t.after(() => {
    logger.close();
    rmSync(folder, { recursive: true });
  });
  const text = (): string => readFileSync(file, 'utf8');
  const lines = (): Record<string, unknown>[] =>
    text()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { logger, text, lines };
}
