/** A real Prometheus of a test's own: scrapes a gateway each second, with the project's alerts as its rules. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { eventually, within } from './deadline.ts';
import { freePorts } from './ports.ts';
import { killGroup, killGroupAtExit } from './processes.ts';

export interface Prometheus {
  readonly url: string;
  /** The series that a query answers with; throws Prometheus' own words when it can't be evaluated. */
  query(expr: string): Promise<readonly Sample[]>;
  /** `data` of an answer of its API. */
  ask(path: string): Promise<unknown>;
}

export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [at: number, value: string];
}

/** Answers when it resolves; ended when the test or the file that started it is over. `target`: host and port. */
export async function startPrometheus(target: string, ruleFile: string): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-prometheus-'));
  const [port = 0] = await freePorts(1);
  const url = `http://127.0.0.1:${port}`;
  const config = join(folder, 'prometheus.yml');
  writeFileSync(config, JSON.stringify(describeJob(target, ruleFile)));
  const args = [
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--enable-feature=exemplar-storage',
    '--log.level=warn',
  ];
  const child = spawn('prometheus', args, { detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  const missing = once(child, 'error').then(() => {
    throw new Error('prometheus is missing: install it (apt-get install prometheus)');
  });
  if (child.pid !== undefined) killGroupAtExit(child.pid);
  after(() => end(child, folder));
  const up = eventually(
    () => {
      if (child.exitCode !== null) throw new Error(`prometheus ended with ${child.exitCode}:\n${output}`);
      return isReady(url);
    },
    'prometheus',
    30_000,
  );
  await Promise.race([up, missing]);

  const ask = async (path: string): Promise<unknown> => {
    const answer = await fetch(`${url}/api/v1/${path}`);
    const { status, data, error } = (await answer.json()) as { status: string; data: unknown; error?: string };
    if (status !== 'success') throw new Error(`${path}: ${error ?? status}`);
    return data;
  };
  const query = async (expr: string): Promise<readonly Sample[]> => {
    const { result } = (await ask(`query?query=${encodeURIComponent(expr)}`)) as { result: readonly Sample[] };
    return result;
  };
  return { url, ask, query };
}

function describeJob(target: string, ruleFile: string): object {
  return {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: [ruleFile],
    scrape_configs: [{ job_name: 'sluice', static_configs: [{ targets: [target] }] }],
  };
}

async function isReady(url: string): Promise<true | null> {
  try {
    const answer = await fetch(`${url}/-/ready`);
    await answer.arrayBuffer();
    return answer.ok ? true : null;
  } catch {
    return null;
  }
}

async function end(child: ChildProcess, folder: string): Promise<void> {
  const isOver = child.exitCode !== null || child.signalCode !== null;
  const exit = isOver ? Promise.resolve([]) : once(child, 'exit');
  killGroup(child.pid ?? 0);
  await within(exit, 'prometheus to end');
  rmSync(folder, { recursive: true, force: true });
}
