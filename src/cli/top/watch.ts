/** The live view: takes the terminal over, shows the status each second, and gives the terminal back as it was. */
import type { ReadStream, WriteStream } from 'node:tty';
import type { Status } from '../../contracts/status.ts';
import type { TopOptions } from './arguments.ts';
import { renderReport } from './report.ts';
import type { SortKey } from './sort.ts';
import { askStatus } from './status-client.ts';
import { piece, renderLine } from './text.ts';

export interface Terminal {
  readonly input: ReadStream;
  readonly output: WriteStream;
  readonly colours: boolean;
}

const everyMs = 1000;

/** Its own screen, no cursor, no lines that go on in the next; and back. */
const enter = '\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[H\x1b[2J';
const leave = '\x1b[?7h\x1b[?25h\x1b[?1049l';

const sortsByKey: Readonly<Record<string, SortKey>> = { r: 'rate', p: 'p99', e: 'errors', f: 'refused', n: 'name' };

/** Resolves when the user has seen enough, with null, or with the reason why there is nothing to see. */
export async function watch(options: TopOptions, terminal: Terminal): Promise<string | null> {
  const { input, output } = terminal;
  const end = new AbortController();
  const view: View = { status: null, sort: options.sort, trouble: null };
  const draw = (): void => void output.write(frame(view, terminal));
  const obey = (key: string): void => {
    // Ctrl-C and Ctrl-D, which the terminal hands on as they are.
    if (key === 'q' || key === '\x03' || key === '\x04') return end.abort();
    view.sort = sortsByKey[key] ?? view.sort;
    draw();
  };
  const stop = (): void => end.abort();
  for (const signal of endings) process.on(signal, stop);
  // The terminal has gone: there is nobody to show anything.
  output.on('error', stop);
  input.on('end', stop);
  output.on('resize', draw);
  const giveBack = (): void => {
    output.write(leave);
    input.setRawMode(false).pause();
  };
  // However this process ends.
  process.on('exit', giveBack);
  input.setRawMode(true).setEncoding('utf8').on('data', obey);
  output.write(enter);
  try {
    return await refresh(options, view, draw, end.signal);
  } finally {
    process.off('exit', giveBack);
    for (const signal of endings) process.off(signal, stop);
    giveBack();
  }
}

const endings = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

interface View {
  status: Status | null;
  sort: SortKey;
  /** Why `status` is old; null: it is not. */
  trouble: string | null;
}

async function refresh({ source }: TopOptions, view: View, draw: () => void, end: AbortSignal): Promise<string | null> {
  while (!end.aborted) {
    const answer = await askStatus(source, AbortSignal.any([end, AbortSignal.timeout(5000)]));
    if (end.aborted) break;
    if (answer.kind === 'refused') return answer.why;
    if (answer.kind === 'status') view.status = answer.status;
    view.trouble = answer.kind === 'away' ? answer.why : null;
    draw();
    await pause(everyMs, end);
  }
  return null;
}

/** Drawn over what is there, in one write that terminals show at once: nothing flickers. */
function frame({ status, sort, trouble }: View, { output, colours }: Terminal): string {
  // Some terminals say that they are 0 wide.
  const columns = output.columns || 80;
  const rows = output.rows || 24;
  const body =
    status === null ? [] : renderReport(status, { sort, colours, size: { columns, rows: Math.max(0, rows - 1) } });
  const lines = body.slice(0, rows - 1);
  while (lines.length < rows - 1) lines.push('');
  const foot =
    trouble === null
      ? piece(`sorted by ${sort}: r rate, p p99, e errors, f refused, n name   q quit`, 'quiet')
      : piece(`${trouble}; trying again each second (q quits)`, 'bad');
  lines.push(renderLine([foot], columns, colours));
  return `\x1b[?2026h\x1b[H${lines.map((line) => `${line}\x1b[K`).join('\r\n')}\x1b[J\x1b[?2026l`;
}

function pause(ms: number, end: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      end.removeEventListener('abort', done);
      resolve();
    }
    end.addEventListener('abort', done);
  });
}
