// Calls that go to the group that has the keys, wherever those are by now: a group that says that it has them no longer,
// or not at the moment, has done nothing, so another is asked once the map says which.

import type { Clock, Timers } from "../../env/index.ts";
import { AssertionError } from "../../std/assert.ts";
import { hasCode } from "../../std/errors.ts";
import { storeFailure } from "../errors.ts";

export interface PatienceSettings {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Resolves when the map is not older than the call. */
  readonly correct: () => Promise<void>;
  readonly isClosed: () => boolean;
  readonly millisMax: number;
}

const PAUSE_MILLIS_MIN = 5;
const PAUSE_MILLIS_MAX = 250;

/** The answer of a group that is not, or not now, the one to ask. */
export function isElsewhere(error: unknown): boolean {
  return hasCode(error, "RANGE_MISMATCH") || hasCode(error, "RANGE_MOVING");
}

export class Patience {
  readonly #settings: PatienceSettings;

  constructor(settings: PatienceSettings) {
    this.#settings = settings;
  }

  /** Calls until a group answers. Rejects with DEADLINE_PASSED where none did in time; then nothing has happened. */
  async call<T>(signal: AbortSignal | undefined, attempt: () => Promise<T>): Promise<T> {
    const { clock, millisMax } = this.#settings;
    const deadline = clock.monotonic() + millisMax;
    for (let tries = 1; ; tries++) {
      this.checkOpen(signal);
      try {
        return await attempt();
      } catch (error) {
        if (!isElsewhere(error)) throw error;
        this.checkOpen(signal);
        if (clock.monotonic() >= deadline) {
          const what = "The keys were on their way between groups for as long as a call may wait; nothing was written.";
          throw storeFailure("DEADLINE_PASSED", { what, data: { tries }, cause: error });
        }
      }
      await this.#correct();
      await this.pause(tries);
    }
  }

  checkOpen(signal?: AbortSignal): void {
    if (this.#settings.isClosed()) throw storeFailure("STOPPED");
    signal?.throwIfAborted();
  }

  /** Longer with each try. */
  pause(tries: number): Promise<void> {
    const millis = Math.min(PAUSE_MILLIS_MAX, PAUSE_MILLIS_MIN * 2 ** Math.min(tries - 1, 10));
    return new Promise((resolve) => void this.#settings.timers.after(millis, resolve));
  }

  /** A root group that does not answer is waited for like the groups themselves. */
  async #correct(): Promise<void> {
    try {
      await this.#settings.correct();
    } catch (error) {
      if (error instanceof AssertionError) throw error;
    }
  }
}
