// Gets that arrive while as many requests as may run are under way share the next one: a request costs an engine far more
// than a row.

export interface FoundRows<Stored> {
  /** In the order of the keys that were asked for. */
  readonly found: readonly (Stored | undefined)[];
  /** Of the one state that all of them are of. */
  readonly revision: number;
}

interface WaitingGet<Stored> {
  readonly keys: readonly Uint8Array[];
  readonly resolve: (rows: FoundRows<Stored>) => void;
  readonly reject: (error: unknown) => void;
}

export interface BatchedGetsSettings<Stored> {
  readonly requestsMax: number;
  /** Of one request, unless a single get asks for more. */
  readonly keysMax: number;
  readonly read: (keys: readonly Uint8Array[]) => Promise<FoundRows<Stored>>;
}

export class BatchedGets<Stored> {
  readonly #settings: BatchedGetsSettings<Stored>;
  #waiting: WaitingGet<Stored>[] = [];
  #running = 0;

  constructor(settings: BatchedGetsSettings<Stored>) {
    this.#settings = settings;
  }

  /** A request that begins after this call answers it, so that it sees all that was there before. */
  get(keys: readonly Uint8Array[]): Promise<FoundRows<Stored>> {
    const { promise, resolve, reject } = Promise.withResolvers<FoundRows<Stored>>();
    this.#waiting.push({ keys, resolve, reject });
    // What comes in the same turn goes together.
    if (this.#running < this.#settings.requestsMax) void Promise.resolve().then(() => this.#next());
    return promise;
  }

  #next(): void {
    const { requestsMax, keysMax } = this.#settings;
    if (this.#waiting.length === 0 || this.#running >= requestsMax) return;
    let count = 0;
    for (let keys = 0; count < this.#waiting.length; count++) {
      keys += this.#waiting[count]!.keys.length;
      if (count > 0 && keys > keysMax) break;
    }
    this.#running++;
    void this.#run(this.#waiting.splice(0, count)).finally(() => {
      this.#running--;
      this.#next();
    });
  }

  async #run(gets: readonly WaitingGet<Stored>[]): Promise<void> {
    try {
      const { found, revision } = await this.#settings.read(gets.flatMap(({ keys }) => keys));
      let from = 0;
      for (const { keys, resolve } of gets) resolve({ found: found.slice(from, (from += keys.length)), revision });
    } catch (error) {
      for (const { reject } of gets) reject(error);
    }
  }
}
