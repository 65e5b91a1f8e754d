/** For `sluice dev`: notices that the code of the workers has changed. */
import { type FSWatcher, watch } from 'node:fs';
import { fileURLToPath } from 'node:url';

const settleMs = 200;
const folders = ['src', 'workers'];

/** `onChange` is called once per burst of changes. Returns the function that ends it. */
export function watchCode(onChange: () => void): () => void {
  let settling: NodeJS.Timeout | undefined;
  const watchers: FSWatcher[] = folders.map((folder) => {
    const path = fileURLToPath(new URL(`../${folder}`, import.meta.url));
    return watch(path, { recursive: true, persistent: false }, (_event, file) => {
      if (file !== null && !file.endsWith('.ts')) return;
      clearTimeout(settling);
      settling = setTimeout(onChange, settleMs);
    });
  });
  return () => {
    clearTimeout(settling);
    for (const watcher of watchers) watcher.close();
  };
}
