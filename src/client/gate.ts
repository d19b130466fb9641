import { clientFailure } from "./errors.ts";

/** Lets so many in at once; more wait in their order, and too many are refused. Whoever is in has to leave. */
export class Gate {
  readonly #insideMax: number;
  readonly #waitingMax: number;
  readonly #waiting = new Set<() => void>();
  #inside = 0;

  constructor(insideMax: number, waitingMax: number) {
    this.#insideMax = insideMax;
    this.#waitingMax = waitingMax;
  }

  /** False where one has to wait. */
  tryEnter(): boolean {
    if (this.#inside >= this.#insideMax) return false;
    this.#inside++;
    return true;
  }

  /** Rejects with OVERLOADED, or with the signal's reason. */
  async enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.tryEnter()) return;
    if (this.#waiting.size >= this.#waitingMax) {
      throw clientFailure("OVERLOADED", { data: { waitingMax: this.#waitingMax } });
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    const giveUp = (): void => {
      if (this.#waiting.delete(resolve)) reject(signal.reason);
    };
    signal.addEventListener("abort", giveUp, { once: true });
    await promise.finally(() => signal.removeEventListener("abort", giveUp));
  }

  /** Hands the place on to who has waited longest. */
  leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#inside--;
    else {
      this.#waiting.delete(next);
      next();
    }
  }
}
