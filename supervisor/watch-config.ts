/** `--watch`: notices that the config has new content, in its own file or in one that it reads. */
import { existsSync } from 'node:fs';
import type { ReloadedConfig } from '../src/config/load.ts';
import { filesOf } from '../src/tls/read-certificates.ts';
import { watchFiles } from './watch-files.ts';

/** Shorter than for certificates: what is read here is mostly one file, and somebody is waiting. */
const settleMs = 200;

export class ConfigWatch {
  readonly #file: string;
  #others: readonly string[] = [];
  #stop = (): void => {};
  #onChange: (() => void) | null = null;
  #changedEarly = false;

  constructor(file: string) {
    this.#file = file;
    this.#watch(Date.now());
  }

  /** `onChange` is called once per change, when it has settled; also for one that came before. */
  begin(onChange: () => void): void {
    this.#onChange = onChange;
    if (this.#changedEarly) onChange();
  }

  /** The config as it was read, and when that began (wall clock, ms): later changes of the files that it reads count. */
  follow(loaded: ReloadedConfig, since: number): void {
    if (loaded.files === null) return;
    const tls = loaded.ok ? loaded.summary.proxy.tls : null;
    // Those are looked after without a reload: see tls-keeper.ts.
    const certificates = new Set(tls === null ? [] : filesOf(tls).map(({ file }) => file));
    const next = loaded.files.filter((file) => !certificates.has(file)).toSorted();
    if (next.join('\0') === this.#others.join('\0')) return;
    this.#others = next;
    this.#watch(since);
  }

  close(): void {
    this.#stop();
  }

  #watch(since: number): void {
    this.#stop();
    this.#stop = watchFiles([this.#file, ...this.#others], () => this.#changed(), { settleMs, since });
  }

  #changed(): void {
    // Between two links there may be no file at all; there will be, and that is another change.
    if (!existsSync(this.#file)) return;
    if (this.#onChange === null) this.#changedEarly = true;
    else this.#onChange();
  }
}
