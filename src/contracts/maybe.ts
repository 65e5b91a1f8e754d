/** An answer that is mostly there at once: only a real promise is waited for. */
export type Maybe<T> = T | Promise<T>;
