// The day on which each access key was last used. A request costs a look into a map; a key's first use of a day is
// written, with others, within a minute. Days are enough to find keys that nobody needs, and a crash may forget the
// last minute's.

import type { Clock, Timer, Timers } from "../../env/index.ts";
import { AshlarError } from "../../std/errors.ts";
import type { Check, Put, Store } from "../../store/index.ts";
import { BoundedMap } from "./bounded-map.ts";
import { ACCESS_LIMITS } from "./limits.ts";
import { encodeNumber, keyRow, usageRow } from "./records.ts";

const DAY_MILLIS = 86_400_000;
const BATCH_KEYS = 50;

interface Noted {
  readonly day: number;
  /** Of the key's row: a key that is gone by now is not brought back to life by its usage row. */
  readonly revision: number;
}

export class Usage {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #timers: Timers;
  /** Written or about to be. */
  readonly #days: BoundedMap<number> = new BoundedMap(ACCESS_LIMITS.usagePendingMax);
  #pending: Map<string, Noted> = new Map();
  #timer: Timer | undefined;
  #written: Promise<void> = Promise.resolve();

  constructor(store: Store, clock: Clock, timers: Timers) {
    this.#store = store;
    this.#clock = clock;
    this.#timers = timers;
  }

  note(accessKeyId: string, revision: number): void {
    const day = Math.max(0, Math.floor(this.#clock.now() / DAY_MILLIS));
    if (this.#days.get(accessKeyId) === day || this.#pending.size >= ACCESS_LIMITS.usagePendingMax) return;
    this.#days.set(accessKeyId, day);
    this.#pending.set(accessKeyId, { day, revision });
    this.#timer ??= this.#timers.after(ACCESS_LIMITS.usageFlushMillis, () => void this.flush());
  }

  /**
   * Writes what is noted, behind what is being written. What can not be written is noted again by the key's next use.
   */
  flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#written = this.#written.then(() => this.#writeAll());
    return this.#written;
  }

  async #writeAll(): Promise<void> {
    const pending = [...this.#pending];
    this.#pending = new Map();
    for (let at = 0; at < pending.length; at += BATCH_KEYS) await this.#write(pending.slice(at, at + BATCH_KEYS));
  }

  async #write(batch: readonly (readonly [string, Noted])[]): Promise<void> {
    const checks: Check[] = batch.map(([id, { revision }]) => ({ ...keyRow(id), revision }));
    const puts: Put[] = batch.map(([id, { day }]) => ({ ...usageRow(id), value: encodeNumber(day) }));
    try {
      const result = await this.#store.commit({ checks, puts });
      if (result.committed) return;
      const changed = new Set(result.failedChecks);
      for (const at of changed) this.#days.delete(batch[at]![0]);
      // At least one key drops out each time, so this ends.
      const rest = batch.filter((_, at) => !changed.has(at));
      if (rest.length > 0 && rest.length < batch.length) await this.#write(rest);
    } catch (error) {
      if (!(error instanceof AshlarError)) throw error;
      for (const [id] of batch) this.#days.delete(id);
    }
  }
}
