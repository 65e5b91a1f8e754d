/** What runs in the threads of a worker: nothing but the check of bodies, so that they start fast and stay small. */
import { type BodyTask, checkBody } from '../validate/check-body.ts';

export function performTask(task: BodyTask): ReturnType<typeof checkBody> {
  return checkBody(task);
}
