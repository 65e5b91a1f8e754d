/** So many retries of an upstream may be under way on a node, however few requests there are. */
export const retryFloor = 3;
