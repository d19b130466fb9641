import type { SimProcess } from "../../env/sim/index.ts";
import type { Prng } from "../../std/prng.ts";
import type { World } from "./world.ts";

/** Somebody who uses the cluster. */
export interface Client {
  /** From 1. */
  readonly id: number;
  readonly prng: Prng;
  sleep(millis: number): Promise<void>;
  /** What the promise comes to, or `undefined` where it takes longer. It may still happen afterwards. */
  within<T>(millis: number, promise: Promise<T>): Promise<T | undefined>;
  trace(kind: string, what: string): void;
}

export class SimClient implements Client {
  readonly id: number;
  readonly prng: Prng;
  readonly #process: SimProcess;
  readonly #world: World;

  constructor(id: number, process: SimProcess, prng: Prng, world: World) {
    this.id = id;
    this.prng = prng;
    this.#process = process;
    this.#world = world;
  }

  sleep(millis: number): Promise<void> {
    return new Promise((resolve) => this.#process.after(millis, "sleep", resolve));
  }

  within<T>(millis: number, promise: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const timer = this.#process.after(millis, "patience", () => resolve(undefined));
      const settle = <Value>(end: (value: Value) => void) => {
        return (value: Value): void => {
          timer.cancel();
          end(value);
        };
      };
      promise.then(settle(resolve), settle(reject));
    });
  }

  trace(kind: string, what: string): void {
    this.#world.trace(`c${this.id}`, kind, () => what);
  }
}
