/** `mode: shadow`: a policy that decides like any other, and lets the request pass. */
import type { Stage } from '../contracts/compiled.ts';

/** The stage as it is tried out: what it would have refused with is noted in `x.shadow`, for log and metrics. */
export function shadow(stage: Stage): Stage {
  return (x) => {
    const refused = stage(x);
    if (refused !== null) x.shadow = [...x.shadow, refused.code];
    return null;
  };
}
