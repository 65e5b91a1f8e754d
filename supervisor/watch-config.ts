/**
 * Notices that a config file has new content, however it came there: written in place, renamed over by an editor, or swapped
 * with a symbolic link as a Kubernetes ConfigMap is. Bind-mounted files tell nobody, so it also looks by itself.
 */
import { type FSWatcher, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Content that has not changed for this long is complete. */
const settleMs = 150;
const lookEveryMs = 2000;

export class ConfigWatch {
  readonly #file: string;
  readonly #watcher: FSWatcher | null;
  readonly #timer: NodeJS.Timeout;
  #seen: string | null = null;
  #settling: NodeJS.Timeout | null = null;
  #onChange: (() => void) | null = null;
  #changedEarly = false;

  constructor(file: string) {
    this.#file = file;
    void this.#read().then((content) => {
      this.#seen ??= content;
    });
    // The folder, since a rename or a swapped link leaves a watch on the file with the old one.
    this.#watcher = watchFolder(dirname(file), () => this.#settle());
    this.#timer = setInterval(() => void this.#look(), lookEveryMs).unref();
  }

  /** `onChange` is called once per change, when it has settled; also for one that came before. */
  begin(onChange: () => void): void {
    this.#onChange = onChange;
    if (this.#changedEarly) onChange();
  }

  close(): void {
    this.#watcher?.close();
    clearInterval(this.#timer);
    if (this.#settling !== null) clearTimeout(this.#settling);
  }

  #settle(): void {
    if (this.#settling !== null) clearTimeout(this.#settling);
    this.#settling = setTimeout(() => {
      this.#settling = null;
      void this.#look();
    }, settleMs).unref();
  }

  async #look(): Promise<void> {
    const content = await this.#read();
    // Between two links there may be no file at all.
    if (content === null || content === this.#seen || this.#settling !== null) return;
    if (this.#seen === null) {
      this.#seen = content;
      return;
    }
    this.#seen = content;
    if (this.#onChange === null) this.#changedEarly = true;
    else this.#onChange();
  }

  async #read(): Promise<string | null> {
    try {
      return await readFile(this.#file, 'utf8');
    } catch {
      return null;
    }
  }
}

function watchFolder(folder: string, onEvent: () => void): FSWatcher | null {
  try {
    const watcher = watch(folder, { persistent: false }, onEvent);
    // No more events will come: what looks by itself goes on.
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return null;
  }
}
