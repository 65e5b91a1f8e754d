/** The priorities of routes in the order in which they give way to each other. */
import type { Priority } from '../contracts/config.ts';

export const risingPriorities: readonly Priority[] = ['low', 'normal', 'high'];
