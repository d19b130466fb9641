import type { DiskFile } from "../env/index.ts";
import { assert } from "../std/assert.ts";
import { hasCode } from "../std/errors.ts";
import { HEADER_BYTES, SECTOR_BYTES, UNIT_BYTES } from "./format.ts";
import { GrowingFile, type GrowthLimits } from "./growing-file.ts";
import type { Health } from "./health.ts";
import { encodeHeader } from "./needle.ts";
import type { Volume } from "./registry.ts";
import type { ReplicaSet } from "./replicas/replica-set.ts";

/** Where recovery, or the opening of a new volume, left off. */
export interface OpenState {
  readonly tail: number;
  /** The tail, but where other nodes may lack something of what lies below it. */
  readonly durable: number;
  readonly gapBytes: number;
  readonly fileBytes: number;
}

/** What an open volume is made of. */
export interface OpenParts {
  readonly limits: GrowthLimits;
  readonly health: Health;
  /** Its copies on other nodes; undefined where there can be none. */
  readonly replicas: ReplicaSet | undefined;
}

/**
 * A volume of generation 1 that this process appends to. Positions are given out in order and only once. `durable` is
 * the length below which every slot is settled (complete or void) and synced, here and on every node that the row names;
 * nothing at or above it is ever acknowledged.
 */
export class OpenVolume {
  readonly volume: Volume;
  readonly file: DiskFile;
  /** In whose hands it is as long as the row has the same. */
  readonly epoch: number;
  readonly replicas: ReplicaSet | undefined;
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
  readonly #limits: GrowthLimits;
  readonly #growing: GrowingFile;
  /** Positions given out whose slots are not known to be complete or void on disk; in order. */
  readonly #unsettled = new Set<number>();
  /** Slots that could not be written, by position: they need a filler before the volume is sealed. */
  readonly #broken = new Map<number, number>();
  /** Void slots and fillers, by position, that are not below `durable` yet. */
  readonly #gaps = new Map<number, number>();

  constructor(volume: Volume, file: DiskFile, state: OpenState, { limits, health, replicas }: OpenParts) {
    assert(state.tail % SECTOR_BYTES === 0, "appending begins at a sector boundary");
    this.volume = volume;
    this.file = file;
    this.tail = state.tail;
    this.durable = state.durable;
    this.gapBytes = state.gapBytes;
    this.epoch = volume.row.epoch;
    this.replicas = replicas;
    this.#growing = new GrowingFile(file, state.fileBytes, limits);
    this.#limits = limits;
    this.#health = health;
  }

  get id(): number {
    return this.volume.id;
  }

  get settled(): boolean {
    return this.#unsettled.size === 0;
  }

  /** Nothing is under way that would still write to it. */
  get isQuiet(): boolean {
    return this.#unsettled.size === this.#broken.size;
  }

  /** False once it is known that nothing new in it can be acknowledged: another volume may be able to. */
  get takesMore(): boolean {
    return !this.lost && (this.replicas?.areEnough ?? true);
  }

  /** Whether enough of its nodes can be reached to begin to write to it. */
  get isReachable(): boolean {
    return this.takesMore && (this.replicas?.areReachable ?? true);
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

  /**
   * Writes to all copies. What rejects is this node's disk; a copy elsewhere that fails is missed when the write is to
   * be acknowledged. The file is as long as `reach` at least.
   */
  async write(position: number, chunks: readonly Uint8Array[], reach: number): Promise<void> {
    const local = this.#growing.reach(reach).then(() => this.file.write(position, chunks));
    await Promise.all([local, this.replicas?.write(local, position, chunks)]);
  }

  /**
   * What was written is durable on every node that the row names. Any failure of this node's disk is final for it: a
   * second sync could succeed without having written anything. Else it rejects with REPLICAS_TOO_FEW or VOLUME_LOST.
   */
  async sync(): Promise<void> {
    this.#health.checkWritable();
    const local = this.#syncHere();
    await Promise.all([local, this.replicas?.sync(local)]);
    if (this.replicas === undefined) return;
    if (!this.replicas.isWhole) this.retired = true;
    try {
      await this.replicas.confirm();
    } catch (error) {
      this.lost ||= hasCode(error, "VOLUME_LOST");
      throw error;
    }
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
      await this.write(position, [filler], position + bytes);
      await this.#syncHere();
      this.#broken.delete(position);
      this.gap(position, bytes);
      this.settle(position);
    }
  }

  /** Cuts what was lengthened ahead of this node's copy. Only when all is settled. */
  async trim(): Promise<void> {
    assert(this.settled, "a volume is cut at its end when all of its slots are settled");
    await this.#growing.cut(this.tail);
    await this.#syncHere();
    this.gapBytes += [...this.#gaps.values()].reduce((sum, bytes) => sum + bytes, 0);
    this.#gaps.clear();
  }

  async #syncHere(): Promise<void> {
    this.#health.checkWritable();
    try {
      await this.file.sync();
    } catch (error) {
      throw this.#health.fail(error);
    }
    this.#health.checkWritable();
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
