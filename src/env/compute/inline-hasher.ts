import { assert } from "../../std/assert.ts";
import type { Hasher, HashName } from "../env.ts";
import { computeFailure } from "./errors.ts";
import { RunningHashes } from "./running-hashes.ts";

/** How much a hasher may take in before it lets others have the event loop. */
export interface Pace {
  readonly turnBytesMax: number;
  nextTurn(): Promise<void>;
}

/** Hashes on the caller's thread. Without a pace every update ends before it returns. */
export class InlineHasher implements Hasher {
  readonly #hashes: RunningHashes;
  readonly #pace: Pace | undefined;
  #bytesThisTurn = 0;
  #state: "open" | "waiting" | "ended" = "open";

  constructor(names: readonly HashName[], pace?: Pace) {
    this.#hashes = new RunningHashes(names);
    this.#pace = pace;
  }

  update(bytes: Uint8Array): void | Promise<void> {
    assert(this.#state === "open", "an update follows the end of the one before, and comes before the digest");
    const pace = this.#pace;
    this.#bytesThisTurn += bytes.length;
    if (pace === undefined || this.#bytesThisTurn <= pace.turnBytesMax) {
      this.#hashes.update(bytes);
      return;
    }
    this.#state = "waiting";
    const update = this.#updateOverTurns(bytes, pace);
    // Who gives a stream up disposes of its hasher and waits for nothing: that must not count as an unhandled
    // rejection.
    update.catch(() => {});
    return update;
  }

  async digest(): Promise<ReadonlyMap<HashName, Uint8Array>> {
    assert(this.#state === "open", "a digest is taken once, after the last update has ended");
    this.#state = "ended";
    return this.#hashes.digest();
  }

  [Symbol.dispose](): void {
    this.#state = "ended";
  }

  async #updateOverTurns(bytes: Uint8Array, pace: Pace): Promise<void> {
    for (let at = 0; at < bytes.length; at += pace.turnBytesMax) {
      await pace.nextTurn();
      if (this.#state === "ended") throw computeFailure("HASHER_DISPOSED");
      const piece = bytes.subarray(at, at + pace.turnBytesMax);
      this.#hashes.update(piece);
      this.#bytesThisTurn = piece.length;
    }
    this.#state = "open";
  }
}
