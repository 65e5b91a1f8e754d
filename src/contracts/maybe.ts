/** An answer that is usually known already: only a real promise is awaited. */
export type Maybe<T> = T | Promise<T>;
