import type { Timers } from "../../env/index.ts";

export interface WaitOptions {
  readonly signal?: AbortSignal | undefined;
  /** What it rejects with then. Default: the signal's reason. */
  readonly onAbort?: (reason: unknown) => unknown;
  readonly timeoutMillis?: number;
  readonly onTimeout?: () => Error;
}

/** Calls that wait until something holds; whoever changes anything says `look`. */
export class Waiters {
  readonly #timers: Timers;
  readonly #waiting = new Set<{ look(): void; reject(error: unknown): void }>();
  #end: Error | undefined;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Resolves with what is found, at once where it is there already. */
  until<T>(find: () => T | undefined, options: WaitOptions = {}): Promise<T> {
    const { signal, onAbort = (reason) => reason, timeoutMillis, onTimeout } = options;
    if (this.#end !== undefined) return Promise.reject(this.#end);
    if (signal?.aborted === true) return Promise.reject(onAbort(signal.reason) as Error);
    return new Promise<T>((resolve, reject) => {
      const abort = (): void => waiter.reject(onAbort(signal!.reason));
      const timer =
        timeoutMillis === undefined ? undefined : this.#timers.after(timeoutMillis, () => waiter.reject(onTimeout?.()));
      const settled = (): void => {
        this.#waiting.delete(waiter);
        timer?.cancel();
        signal?.removeEventListener("abort", abort);
      };
      const waiter = {
        look: () => {
          const found = find();
          if (found === undefined) return;
          settled();
          resolve(found);
        },
        reject: (error: unknown) => {
          settled();
          reject(error);
        },
      };
      this.#waiting.add(waiter);
      signal?.addEventListener("abort", abort, { once: true });
      waiter.look();
    });
  }

  look(): void {
    for (const waiter of [...this.#waiting]) waiter.look();
  }

  /** All that wait, and all that come, get this. */
  stop(error: Error): void {
    this.#end ??= error;
    for (const waiter of [...this.#waiting]) waiter.reject(this.#end);
  }
}
