/**
 * Notices that files may have new content, however it came there: written in place, renamed over, or swapped with a
 * symbolic link of a folder above as in a Kubernetes secret. Bind-mounted files tell nobody, so it also looks by itself.
 */
import { watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface WatchOptions {
  /** = 500: nothing has changed for so long, so that what belongs together, such as a certificate and its key, has been written. */
  readonly settleMs?: number;
  /** = now. Wall clock, ms: changes from then on count. */
  readonly since?: number;
}

/** Clocks of file systems stand still for a few ms at a time. */
const clockStepMs = 20;
const lookEveryMs = 2_000;
/** Much may happen in a folder that has nothing to do with the files. */
const lookAfterEventMs = 100;

/** `onChange` is called after each change, when it has settled. Returns how to stop. */
export function watchFiles(
  files: readonly string[],
  onChange: () => void,
  { settleMs = 500, since = Number.POSITIVE_INFINITY }: WatchOptions = {},
): () => void {
  let seen: string | null = null;
  let news = 0;
  let isOver = false;
  const look = async (): Promise<void> => {
    const signs = await Promise.all(files.map(signOf));
    const all = signs.map(({ text }) => text).join();
    const isNews = seen === null ? signs.some(({ at }) => at + clockStepMs >= since) : seen !== all;
    seen = all;
    if (!isNews || isOver) return;
    news++;
    settled.restart();
  };
  const settled = createTimer(settleMs, () => void tellUnlessNews());
  // Of what has just been written nobody may have told yet.
  const tellUnlessNews = async (): Promise<void> => {
    const before = news;
    await look();
    if (news === before && !isOver) onChange();
  };
  void look();
  const lookSoon = createTimer(lookAfterEventMs, () => void look());
  const lookAnyway = setInterval(() => void look(), lookEveryMs).unref();
  // The folder, since a rename or a swapped link leaves a watch on the file with the old one.
  const folders = new Set(files.map((file) => dirname(file)));
  const watchers = [...folders].map((folder) => watchFolder(folder, () => lookSoon.start()));
  return () => {
    isOver = true;
    for (const stop of watchers) stop();
    clearInterval(lookAnyway);
    lookSoon.stop();
    settled.stop();
  };
}

interface Timer {
  /** A running one goes on. */
  start(): void;
  restart(): void;
  stop(): void;
}

function createTimer(ms: number, onEnd: () => void): Timer {
  let timer: NodeJS.Timeout | null = null;
  const stop = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
  };
  const start = (): void => {
    timer ??= setTimeout(() => {
      timer = null;
      onEnd();
    }, ms).unref();
  };
  const restart = (): void => {
    stop();
    start();
  };
  return { start, restart, stop };
}

interface Sign {
  /** Changes with the file that the name leads to, and with its content. */
  readonly text: string;
  /** When it last changed. */
  readonly at: number;
}

async function signOf(file: string): Promise<Sign> {
  try {
    const { dev, ino, size, mtimeMs, ctimeMs } = await stat(file);
    return { text: `${dev} ${ino} ${size} ${mtimeMs}`, at: ctimeMs };
  } catch {
    return { text: 'gone', at: Number.NEGATIVE_INFINITY };
  }
}

function watchFolder(folder: string, onEvent: () => void): () => void {
  try {
    const watcher = watch(folder, { persistent: false }, onEvent);
    // No more events will come: what looks by itself goes on.
    watcher.on('error', () => watcher.close());
    return () => watcher.close();
  } catch {
    return () => {};
  }
}
