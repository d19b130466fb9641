import type { Clock } from "../env/index.ts";
import { hasCode } from "../std/errors.ts";
import type { BlobEvent } from "./events.ts";
import { SUPERBLOCK_BYTES } from "./format.ts";
import { type Health, isDiskFull } from "./health.ts";
import type { OpenVolume } from "./open-volume.ts";
import type { BlobOptions } from "./options.ts";
import type { Registry } from "./registry.ts";
import type { VolumeSupply } from "./volume-supply.ts";

/** Recovery reads what was appended since the row was last written: at most about this much. */
const UNRECORDED_BYTES_MAX = 67_108_864;

export interface OpenUpkeepContext {
  readonly clock: Clock;
  readonly health: Health;
  readonly registry: Registry;
  readonly supplies: readonly VolumeSupply[];
  readonly options: BlobOptions;
  readonly onEvent: (event: BlobEvent) => void;
}

/**
 * What open volumes need beside appends: to be recorded now and then, watched for another writer, and sealed when they
 * are full.
 */
export class OpenUpkeep {
  readonly #context: OpenUpkeepContext;

  constructor(context: OpenUpkeepContext) {
    this.#context = context;
  }

  async turn(): Promise<void> {
    for (const supply of this.#context.supplies) {
      for (const open of supply.all()) {
        if (this.#context.health.stopping) return;
        if (!(await this.#isOurs(supply, open))) continue;
        if (this.#isMostlyGarbage(open)) supply.retire(open);
        if (open.retired) await this.#seal(supply, open);
        else if (open.durable - open.volume.row.durable >= UNRECORDED_BYTES_MAX) await this.record(open);
      }
    }
  }

  /** Notes in the row how far the volume is settled, so that the next start need not read it. */
  async record(open: OpenVolume): Promise<void> {
    const { durable, gapBytes } = open;
    if (durable > open.volume.row.durable) await this.#context.registry.change(open.volume, { durable, gapBytes });
  }

  /** Only sealed volumes are compacted, so a large one is sealed before it is full where that pays. */
  #isMostlyGarbage({ retired, durable, gapBytes, volume }: OpenVolume): boolean {
    const { volumeBytes, compactGarbagePercent } = this.#context.options;
    if (retired || durable < volumeBytes / 8) return false;
    return (volume.garbageBytes + gapBytes) * 100 >= (durable - SUPERBLOCK_BYTES) * Math.max(50, compactGarbagePercent);
  }

  async #isOurs(supply: VolumeSupply, open: OpenVolume): Promise<boolean> {
    if (open.lost) return false;
    if (await this.#context.registry.isCurrent(open.volume)) return true;
    open.lost = true;
    open.volume.frozen = true;
    supply.retire(open);
    return false;
  }

  async #seal(supply: VolumeSupply, open: OpenVolume): Promise<void> {
    try {
      await open.mend(Math.max(0, Math.floor(this.#context.clock.now())));
      if (!open.settled) return;
      await open.trim();
    } catch (error) {
      // A full disk has no room for a filler yet.
      if (isDiskFull(error)) return;
      throw this.#context.health.fail(error);
    }
    const { tail, gapBytes } = open;
    try {
      await this.#context.registry.change(open.volume, { state: "sealed", durable: tail, gapBytes });
    } catch (error) {
      if (!hasCode(error, "VOLUME_LOST")) throw error;
      open.lost = true;
    }
    await supply.release(open);
    if (!open.lost) this.#context.onEvent({ kind: "volume-sealed", volume: open.id, bytes: tail });
  }
}
