import type { Timers } from "../../../env/index.ts";
import { apiFailure } from "../errors.ts";

/** A request's end: its time is over, or the client went away. */
export class Deadline implements Disposable {
  readonly #aborting = new AbortController();
  readonly #aborted: Promise<never>;
  readonly #release: () => void;

  constructor(timers: Timers, timeoutMillis: number, client: AbortSignal) {
    const abort = (reason: unknown): void => this.#aborting.abort(reason);
    const leave = (): void => abort(client.reason);
    const timer = timers.after(timeoutMillis, () => {
      abort(apiFailure("DEADLINE_EXCEEDED", { data: { timeoutMillis } }));
    });
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => {});
    this.#aborted = promise;
    this.signal.addEventListener("abort", () => reject(this.signal.reason), { once: true });
    client.addEventListener("abort", leave, { once: true });
    if (client.aborted) leave();
    this.#release = () => {
      timer.cancel();
      client.removeEventListener("abort", leave);
    };
  }

  get signal(): AbortSignal {
    return this.#aborting.signal;
  }

  /** What comes first. What is given up goes on without anyone who waits. */
  async race<T>(work: Promise<T>): Promise<T> {
    return await Promise.race([work, this.#aborted]);
  }

  [Symbol.dispose](): void {
    this.#release();
  }
}
