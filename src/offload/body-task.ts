/** What runs in the threads of a worker: nothing but the check of bodies, so that they start fast and stay small. */
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { basename } from 'node:path';
import { type BodyTask, checkBody } from '../validate/check-body.ts';

/** Of this thread alone: where processors are short, an event loop gets three quarters of one, and a check the rest. */
const niceness = 5;

standBack();

export function performTask(task: BodyTask): ReturnType<typeof checkBody> {
  return checkBody(task);
}

function standBack(): void {
  // Linux knows threads by numbers like those of processes; elsewhere this would be about the whole process.
  if (process.platform !== 'linux') return;
  try {
    setPriority(Number(basename(readlinkSync('/proc/thread-self'))), niceness);
  } catch {
    // Without /proc, or not allowed: then all are equal.
  }
}
