/** The longest that a timer of Node can wait, 2^31 - 1 ms (24 days); a longer one would fire at once. */
export const longestTimerMs = 2_147_483_647;
