import { assert } from "../std/assert.ts";
import { BlockChecksums, wholeChecksum } from "./block-checksums.ts";
import { blobFailure } from "./errors.ts";
import { alignUp, HEADER_BYTES, SECTOR_BYTES, slotBytesFor, trailerBytes, UNIT_BYTES } from "./format.ts";
import { isDiskFull } from "./health.ts";
import { encodeHeader, encodeTrailer, type NeedleTrailer } from "./needle.ts";
import type { NeedleName } from "./needle-rows.ts";
import type { WriterContext } from "./needle-writer.ts";
import type { OpenVolume } from "./open-volume.ts";

/**
 * Extents of streams, in a volume of their own. Each reserves its slot with its first bytes and is written piece by
 * piece beside others; the last piece brings the trailer. One sync acknowledges all that are complete; meanwhile more
 * become so.
 */
export class ExtentWriter {
  readonly #context: WriterContext;
  readonly #syncs = new Map<OpenVolume, SyncGroup>();

  constructor(context: WriterContext) {
    this.#context = context;
  }

  begin(owner: Uint8Array, dataBytes: number): Extent {
    return new Extent(this.#context, this, owner, dataBytes);
  }

  /** Resolves when all that was written of the slot is durable. */
  sync(open: OpenVolume, position: number): Promise<void> {
    let group = this.#syncs.get(open);
    if (group === undefined) this.#syncs.set(open, (group = { waiting: [], running: undefined }));
    const { waiting } = group;
    return new Promise((resolve, reject) => {
      waiting.push({ position, resolve, reject });
      group.running ??= this.#run(open, group);
    });
  }

  async idle(): Promise<void> {
    await Promise.all([...this.#syncs.values()].map((group) => group.running));
  }

  async #run(open: OpenVolume, group: SyncGroup): Promise<void> {
    const { counters, timers, bugs } = this.#context;
    await new Promise<void>((resolve) => timers.endOfTurn(resolve));
    while (group.waiting.length > 0) {
      const batch = group.waiting.splice(0);
      const tailBefore = open.tail;
      if (bugs.has("acknowledge-before-sync")) for (const { resolve } of batch) resolve();
      try {
        await open.sync();
        for (const { position } of batch) open.settle(position);
        open.synced(tailBefore);
        counters.extentSyncs++;
        counters.extentsSynced += batch.length;
        if (open.lost) throw blobFailure("VOLUME_LOST", { data: { volume: open.id } });
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#syncs.delete(open);
  }
}

interface SyncGroup {
  readonly waiting: {
    readonly position: number;
    readonly resolve: () => void;
    readonly reject: (error: unknown) => void;
  }[];
  running: Promise<void> | undefined;
}

/**
 * One extent on its way: `write` its data in pieces, one call at a time, then `finish`; or `abandon` it at any point.
 */
export class Extent {
  readonly #context: WriterContext;
  readonly #writer: ExtentWriter;
  readonly #owner: Uint8Array;
  readonly #dataBytes: number;
  readonly #checksums = new BlockChecksums();
  #slot: { readonly open: OpenVolume; readonly position: number } | undefined;
  #headerChecksum = 0;
  #written = 0;
  #checksum = 0;
  #broken = false;

  constructor(context: WriterContext, writer: ExtentWriter, owner: Uint8Array, dataBytes: number) {
    this.#context = context;
    this.#writer = writer;
    this.#owner = owner;
    this.#dataBytes = dataBytes;
  }

  /** Of the data, once finished. */
  get checksum(): number {
    return this.#checksum;
  }

  /** Resolves when the bytes may be used again. After a rejection only `abandon` may follow. */
  async write(piece: Uint8Array): Promise<void> {
    this.#checksums.update(piece);
    const last = this.#checksums.length === this.#dataBytes;
    assert(this.#checksums.length <= this.#dataBytes, "an extent has the length that it was begun with");
    const chunks: Uint8Array[] = [piece];
    if (this.#slot === undefined) chunks.unshift(await this.#begin());
    const { open, position } = this.#slot!;
    if (last) chunks.push(this.#trailer("complete"));
    const at = this.#written === 0 ? position : position + HEADER_BYTES + this.#owner.length + this.#written;
    this.#written += piece.length;
    await this.#guard(async () => {
      await open.reach(position + this.#slotBytes);
      await open.file.write(at, chunks);
    });
  }

  /** Resolves with the name once the extent is durable; it is in flight from its first write on. */
  async finish(): Promise<NeedleName> {
    const slot = this.#slot;
    assert(slot !== undefined && this.#written === this.#dataBytes, "an extent is finished when all of it is written");
    await this.#writer.sync(slot.open, slot.position);
    return this.#name(slot);
  }

  /** Leaves a void slot behind, which a sync of its own settles later. The extent is no longer in flight. */
  async abandon(): Promise<void> {
    const slot = this.#slot;
    if (slot === undefined) return;
    this.#context.inFlight.remove(this.#name(slot));
    if (this.#context.health.failed || this.#broken) return;
    const { open, position } = slot;
    const trailerAt = position + HEADER_BYTES + this.#owner.length + this.#dataBytes;
    try {
      await this.#guard(() => open.file.write(trailerAt, [this.#trailer("void")]));
    } catch {
      return;
    }
    open.gap(position, this.#slotBytes);
    this.#writer.sync(open, position).catch(() => {});
  }

  get #slotBytes(): number {
    return alignUp(slotBytesFor(this.#owner.length, this.#dataBytes), SECTOR_BYTES);
  }

  /** Takes a slot; returns header and owner. */
  async #begin(): Promise<Uint8Array> {
    const { supply, clock, inFlight } = this.#context;
    this.#slot = await supply.take(this.#slotBytes);
    const { open, position } = this.#slot;
    inFlight.add(this.#name(this.#slot));
    const bytes = new Uint8Array(HEADER_BYTES + this.#owner.length);
    bytes.set(this.#owner, HEADER_BYTES);
    const header = {
      filler: false,
      needle: position / UNIT_BYTES,
      slotBytes: this.#slotBytes,
      ownerBytes: this.#owner.length,
      dataBytes: this.#dataBytes,
      epoch: open.epoch,
      timeMillis: Math.max(0, Math.floor(clock.now())),
      durable: open.durable,
    };
    this.#headerChecksum = encodeHeader(bytes, 0, header, open.volume.identity);
    return bytes;
  }

  #trailer(state: NeedleTrailer["state"]): Uint8Array {
    const { open, position } = this.#slot!;
    const blocks = state === "complete" ? this.#checksums.finish() : [];
    this.#checksum = state === "complete" ? wholeChecksum(blocks, this.#dataBytes) : 0;
    const bytes = new Uint8Array(trailerBytes(this.#dataBytes));
    const binding = { needle: position / UNIT_BYTES, dataBytes: this.#dataBytes, headerChecksum: this.#headerChecksum };
    encodeTrailer(bytes, 0, { state, blocks, checksum: this.#checksum }, binding, open.volume.identity);
    return bytes;
  }

  /** A full disk costs the slot, any other failure the node. */
  async #guard(run: () => Promise<void>): Promise<void> {
    const { supply, health } = this.#context;
    try {
      await run();
    } catch (error) {
      if (!isDiskFull(error)) throw health.fail(error);
      const { open, position } = this.#slot!;
      this.#broken = true;
      open.breakSlot(position, this.#slotBytes);
      supply.retire(open);
      throw blobFailure("SPACE_RESERVED", { cause: error });
    }
  }

  #name({ open, position }: { readonly open: OpenVolume; readonly position: number }): NeedleName {
    return { volume: open.id, needle: position / UNIT_BYTES };
  }
}
