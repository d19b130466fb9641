export type Done<T> = (error: NodeJS.ErrnoException | null, value?: T) => void;

/**
 * Callbacks of node:fs instead of its promises: half the cost an operation, and no handle that a garbage collector
 * closes.
 */
export function call<T = void>(start: (done: Done<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => {
      if (error) reject(error);
      else resolve(value as T);
    });
  });
}
