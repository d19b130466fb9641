import type { DiskFile } from "../env/index.ts";
import { assert } from "../std/assert.ts";
import { alignUp, HEADER_BYTES, SECTOR_BYTES, UNIT_BYTES } from "./format.ts";
import type { Health } from "./health.ts";
import { encodeHeader } from "./needle.ts";
import type { Volume } from "./registry.ts";

/** Where recovery, or the opening of a new volume, left off. */
export interface OpenState {
  readonly tail: number;
  readonly gapBytes: number;
  readonly fileBytes: number;
}

export interface OpenLimits {
  readonly volumeBytes: number;
  readonly volumeStepBytes: number;
}

/**
 * A volume of generation 1 that this process appends to. Positions are given out in order and only once. `durable` is
 * the length below which every slot is settled (complete or void) and synced; nothing at or above it is ever
 * acknowledged.
 */
export class OpenVolume {
  readonly volume: Volume;
  readonly file: DiskFile;
  /** The first position that is not given out yet, a sector boundary. */
  tail: number;
  durable: number;
  /** Void slots and fillers below `durable`. */
  gapBytes: number;
  /** Taken out of use: no more positions are given out, and it is sealed as soon as all is settled. */
  retired = false;
  /** Another writer has taken it over. */
  lost = false;
  readonly #health: Health;
  readonly #limits: OpenLimits;
  #fileBytes: number;
  #lengthening: Promise<void> = Promise.resolve();
  /** Positions given out whose slots are not known to be complete or void on disk; in order. */
  readonly #unsettled = new Set<number>();
  /** Slots that could not be written, by position: they need a filler before the volume is sealed. */
  readonly #broken = new Map<number, number>();
  /** Void slots and fillers, by position, that are not below `durable` yet. */
  readonly #gaps = new Map<number, number>();

  constructor(volume: Volume, file: DiskFile, state: OpenState, limits: OpenLimits, health: Health) {
    assert(state.tail % SECTOR_BYTES === 0, "appending begins at a sector boundary");
    this.volume = volume;
    this.file = file;
    this.tail = state.tail;
    this.durable = state.tail;
    this.gapBytes = state.gapBytes;
    this.#fileBytes = state.fileBytes;
    this.#limits = limits;
    this.#health = health;
  }

  get id(): number {
    return this.volume.id;
  }

  get epoch(): number {
    return this.volume.row.epoch;
  }

  get settled(): boolean {
    return this.#unsettled.size === 0;
  }

  /** Bytes that may still be given out. */
  get room(): number {
    return this.retired || this.lost ? 0 : Math.max(0, this.#limits.volumeBytes - this.tail);
  }

  /** Gives out the next `bytes` (whole sectors); the slot is unsettled until `settle`. */
  take(bytes: number): number {
    assert(bytes % SECTOR_BYTES === 0 && bytes <= this.room, "a slot fits into its volume");
    const position = this.tail;
    this.tail += bytes;
    this.#unsettled.add(position);
    return position;
  }

  /** The position again, where nothing was written for it and nothing was given out behind it. */
  giveBack(position: number): void {
    this.#unsettled.delete(position);
    this.tail = position;
  }

  settle(position: number): void {
    this.#unsettled.delete(position);
  }

  /** Moves `durable` after a sync that began when the tail stood at `tailBefore`. */
  synced(tailBefore: number): void {
    const [first] = this.#unsettled;
    this.durable = Math.max(this.durable, Math.min(tailBefore, first ?? tailBefore));
    for (const [position, bytes] of this.#gaps) {
      if (position >= this.durable) continue;
      this.#gaps.delete(position);
      this.gapBytes += bytes;
    }
  }

  /** The slot is or becomes a void one, or a filler. */
  gap(position: number, bytes: number): void {
    this.#gaps.set(position, bytes);
  }

  /** Lengthens the file by steps, so that most writes do not change its length. */
  reach(end: number): Promise<void> {
    if (end <= this.#fileBytes) return Promise.resolve();
    const lengthened = this.#lengthening.then(async () => {
      if (end <= this.#fileBytes) return;
      const step = alignUp(end, this.#limits.volumeStepBytes);
      const length = Math.max(end, Math.min(step, this.#limits.volumeBytes));
      await this.file.setLength(length);
      this.#fileBytes = length;
    });
    this.#lengthening = lengthened.catch(() => {});
    return lengthened;
  }

  /** Any failure is final for the node: a second sync could succeed without having written anything. */
  async sync(): Promise<void> {
    this.#health.checkWritable();
    try {
      await this.file.sync();
    } catch (error) {
      throw this.#health.fail(error);
    }
    this.#health.checkWritable();
  }

  /**
   * The slot's bytes are lost to a full disk; the volume takes no more, and a filler goes there when there is space
   * again.
   */
  breakSlot(position: number, bytes: number): void {
    this.#broken.set(position, bytes);
    this.retired = true;
  }

  /** Writes fillers over broken slots. Rejects with DISK_FULL while there is still no space. */
  async mend(timeMillis: number): Promise<void> {
    for (const [position, bytes] of this.#broken) {
      const filler = encodeFiller(this, position, bytes, timeMillis);
      await this.reach(position + bytes);
      await this.file.write(position, [filler]);
      this.gap(position, bytes);
      const tailBefore = this.tail;
      await this.sync();
      this.#broken.delete(position);
      this.settle(position);
      this.synced(tailBefore);
    }
  }

  /** Cuts what was lengthened ahead. Only when all is settled. */
  async trim(): Promise<void> {
    assert(this.settled, "a volume is cut at its end when all of its slots are settled");
    await this.#lengthening;
    await this.file.setLength(this.tail);
    this.#fileBytes = this.tail;
    await this.sync();
    this.synced(this.tail);
  }
}

function encodeFiller(open: OpenVolume, position: number, slotBytes: number, timeMillis: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  const header = {
    filler: true,
    needle: position / UNIT_BYTES,
    slotBytes,
    ownerBytes: 0,
    dataBytes: 0,
    epoch: open.epoch,
    timeMillis,
    durable: open.durable,
  };
  encodeHeader(bytes, 0, header, open.volume.identity);
  return bytes;
}
