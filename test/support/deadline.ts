/** Waiting with a limit: a test that hangs says what it was waiting for. */
import { setTimeout as delay } from 'node:timers/promises';

/** The deadline of whatever should happen at once: generous, since a loaded machine is no failure, and may start a process in 20 s. */
export const soonMs = 30_000;

/** The promise's own outcome, or an error that names `what` after `ms`. */
export async function within<T>(promise: Promise<T>, what: string, ms = soonMs): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms} ms for ${what}`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** For facts that announce themselves by no event (a process's memory, a counter elsewhere): asks until the answer is not null. */
export async function eventually<T>(ask: () => Promise<T | null> | T | null, what: string, ms = soonMs): Promise<T> {
  const until = performance.now() + ms;
  for (;;) {
    const answer = await ask();
    if (answer !== null) return answer;
    if (performance.now() > until) throw new Error(`waited ${ms} ms for ${what}`);
    await delay(20);
  }
}
