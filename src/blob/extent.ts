import { isLoss } from "./errors.ts";
import { ExtentSlot, type SyncSlot } from "./extent-slot.ts";
import { SECTOR_BYTES, slotBytesFor } from "./format.ts";
import type { NeedleName } from "./needle-rows.ts";
import type { WriterContext } from "./needle-writer.ts";
import type { SpaceKeeper } from "./space-keeper.ts";

export interface ExtentContext extends WriterContext {
  readonly space: SpaceKeeper;
}

/** Volumes that may be lost under one extent. */
const MOVES_MAX = 3;
/** Memory that an extent needs beside the stream's own while it moves. */
const COPY_BYTES = 262_144;

/**
 * One extent on its way: `write` its data in pieces, one call at a time, then `finish`; or `abandon` it at any point. Where
 * its volume loses too many copies, or its writer, it moves to another one and goes on there: what has been written is
 * read from this node's copy again, so that nobody has to keep it in memory.
 */
export class Extent {
  readonly #context: ExtentContext;
  readonly #sync: SyncSlot;
  readonly #owner: Uint8Array;
  readonly #dataBytes: number;
  #slot: ExtentSlot;
  #moves = 0;

  constructor(context: ExtentContext, sync: SyncSlot, owner: Uint8Array, dataBytes: number) {
    this.#context = context;
    this.#sync = sync;
    this.#owner = owner;
    this.#dataBytes = dataBytes;
    this.#slot = this.#newSlot();
  }

  /** Of the data, once finished. */
  get checksum(): number {
    return this.#slot.checksum;
  }

  /** Resolves when the bytes may be used again. After a rejection only `abandon` may follow. */
  async write(piece: Uint8Array): Promise<void> {
    await this.#slot.write(piece);
    for (let loss = this.#slot.loss; loss !== undefined; loss = this.#slot.loss) await this.#move(loss);
  }

  /** Resolves with the name once the extent is durable; it is in flight from its first write on. */
  async finish(): Promise<NeedleName> {
    for (;;) {
      try {
        return await this.#slot.finish();
      } catch (error) {
        if (!isLoss(error)) throw error;
        await this.#move(error);
      }
    }
  }

  /** Leaves a void slot behind, which a sync of its own settles later. The extent is no longer in flight. */
  async abandon(): Promise<void> {
    await this.#slot.abandon();
  }

  /** Rejects with the loss where it has moved too often, or this node's copy is not what was written. */
  async #move(loss: unknown): Promise<void> {
    const { space, counters, bugs } = this.#context;
    const from = this.#slot;
    const diskBytes = slotBytesFor(this.#owner.length, this.#dataBytes) + SECTOR_BYTES;
    if (++this.#moves > MOVES_MAX) {
      from.leave();
      throw loss;
    }
    const to = this.#newSlot();
    this.#slot = to;
    try {
      await space.take(diskBytes);
      try {
        await copyData(from, to);
      } finally {
        space.settle(diskBytes);
      }
      // Another writer, or the disk, may have changed it since.
      if (!to.checksums.equals(from.checksums)) throw loss;
      counters.movedExtents++;
    } finally {
      if (!bugs.has("keep-lost-slot")) from.leave();
    }
  }

  #newSlot(): ExtentSlot {
    return new ExtentSlot(this.#context, this.#sync, this.#owner, this.#dataBytes);
  }
}

/** As far as it can be read. */
async function copyData(from: ExtentSlot, to: ExtentSlot): Promise<void> {
  for (let at = 0; at < from.written; at += COPY_BYTES) {
    const length = Math.min(COPY_BYTES, from.written - at);
    const bytes = await from.read(at, length).catch(() => undefined);
    if (bytes?.length !== length) return;
    await to.write(bytes);
  }
}
