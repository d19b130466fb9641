import type { Clock, Disk } from "../env/index.ts";
import { assert } from "../std/assert.ts";
import { blobFailure } from "./errors.ts";
import type { BlobCounters, BlobEvent } from "./events.ts";
import type { BlobOptions } from "./options.ts";

/** A refused request asks the disk again, but no more often than this. */
const FRESH_MILLIS = 20;

/**
 * Appends and rows that add something leave the whole reserve alone; compaction, which wins space back, may use half of
 * it. Removals go on until the disk is as good as full: their rows need room in the log and in the index too.
 */
export type SpaceUse = "append" | "compaction" | "removal";

const REMOVAL_RESERVE_BYTES_MAX = 8_388_608;

/**
 * Keeps a part of the disk free, so that deletes, compaction and the Store's log always have room. Between two looks at
 * the disk what was written since counts as used, and so does what is being written, so no burst of appends gets past
 * the reserve.
 */
export class SpaceKeeper {
  readonly #disk: Disk;
  readonly #clock: Clock;
  readonly #options: BlobOptions;
  readonly #counters: BlobCounters;
  readonly #onEvent: (event: BlobEvent) => void;
  #bytesFree = 0;
  #bytesTotal = 0;
  /** Admitted and not written yet. */
  #promised = 0;
  /** Written since the last look at the disk. */
  #written = 0;
  #polledMillis = Number.NEGATIVE_INFINITY;
  #polling: Promise<void> | undefined;
  #low = false;

  constructor(
    disk: Disk,
    clock: Clock,
    options: BlobOptions,
    counters: BlobCounters,
    onEvent: (event: BlobEvent) => void,
  ) {
    this.#disk = disk;
    this.#clock = clock;
    this.#options = options;
    this.#counters = counters;
    this.#onEvent = onEvent;
  }

  get bytesFree(): number {
    return Math.max(0, this.#bytesFree - this.#promised - this.#written);
  }

  get bytesTotal(): number {
    return this.#bytesTotal;
  }

  get bytesReserved(): number {
    const { spaceReserveBytes, spaceReservePercent } = this.#options;
    return Math.max(spaceReserveBytes, Math.floor((this.#bytesTotal * spaceReservePercent) / 100));
  }

  /** Asks the disk. One question at a time. */
  poll(): Promise<void> {
    this.#polling ??= this.#poll().finally(() => {
      this.#polling = undefined;
    });
    return this.#polling;
  }

  /** Rejects with SPACE_RESERVED where that much can not be written now. */
  async check(bytes: number, use: SpaceUse = "append"): Promise<void> {
    if (this.#fits(bytes, use)) return;
    if (this.#clock.monotonic() - this.#polledMillis >= FRESH_MILLIS) await this.poll();
    if (this.#fits(bytes, use)) return;
    this.#counters.refusedForSpace++;
    throw blobFailure("SPACE_RESERVED", {
      data: { bytes, bytesFree: this.bytesFree, bytesReserved: this.#reserveFor(use) },
    });
  }

  /** Sets that much aside until `settle`. Rejects with SPACE_RESERVED. */
  async take(bytes: number, use: SpaceUse = "append"): Promise<void> {
    while (!this.#fits(bytes, use)) await this.check(bytes, use);
    this.#promised += bytes;
  }

  /** What was taken is written, or will not be. */
  settle(bytes: number): void {
    this.#promised -= bytes;
    this.#written += bytes;
    assert(this.#promised >= 0, "space is settled once");
  }

  #reserveFor(use: SpaceUse): number {
    if (use === "append") return this.bytesReserved;
    const half = Math.ceil(this.bytesReserved / 2);
    return use === "compaction" ? half : Math.min(half, REMOVAL_RESERVE_BYTES_MAX);
  }

  #fits(bytes: number, use: SpaceUse): boolean {
    return this.#bytesFree - this.#promised - this.#written - bytes >= this.#reserveFor(use);
  }

  async #poll(): Promise<void> {
    const writtenBefore = this.#written;
    const space = await this.#disk.space();
    this.#bytesFree = space.bytesFree;
    this.#bytesTotal = space.bytesTotal;
    this.#written -= writtenBefore;
    this.#polledMillis = this.#clock.monotonic();
    // Not even one extent more.
    const low = !this.#fits(this.#options.extentBytes, "append");
    if (low && !this.#low) {
      this.#onEvent({ kind: "space-low", bytesFree: this.#bytesFree, bytesReserved: this.bytesReserved });
    }
    this.#low = low;
  }
}
