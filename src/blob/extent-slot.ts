import { assert } from "../std/assert.ts";
import { BlockChecksums, wholeChecksum } from "./block-checksums.ts";
import { blobFailure, isLoss } from "./errors.ts";
import { alignUp, HEADER_BYTES, SECTOR_BYTES, slotBytesFor, trailerBytes, UNIT_BYTES } from "./format.ts";
import { isDiskFull } from "./health.ts";
import { encodeHeader, encodeTrailer, type NeedleTrailer } from "./needle.ts";
import type { NeedleName } from "./needle-rows.ts";
import type { WriterContext } from "./needle-writer.ts";
import type { OpenVolume } from "./open-volume.ts";

/** Resolves when all that was written of the slot is durable. */
export type SyncSlot = (open: OpenVolume, position: number) => Promise<void>;

/**
 * The slot of an extent in one volume: taken with the first bytes, written piece by piece, and acknowledged, abandoned or
 * left.
 */
export class ExtentSlot {
  readonly checksums: BlockChecksums = new BlockChecksums();
  readonly #context: WriterContext;
  readonly #sync: SyncSlot;
  readonly #owner: Uint8Array;
  readonly #dataBytes: number;
  #slot: { readonly open: OpenVolume; readonly position: number } | undefined;
  #headerChecksum = 0;
  #written = 0;
  #checksum = 0;
  #broken = false;

  constructor(context: WriterContext, sync: SyncSlot, owner: Uint8Array, dataBytes: number) {
    this.#context = context;
    this.#sync = sync;
    this.#owner = owner;
    this.#dataBytes = dataBytes;
  }

  /** Bytes of data that stand in this node's copy. */
  get written(): number {
    return this.#written;
  }

  /** Of the data, once all of it is written. */
  get checksum(): number {
    return this.#checksum;
  }

  /** That the volume has lost its writer or too many copies, where it is known already. */
  get loss(): Error | undefined {
    if (this.#slot === undefined || this.#slot.open.takesMore) return undefined;
    const { id, lost } = this.#slot.open;
    return blobFailure(lost ? "VOLUME_LOST" : "REPLICAS_TOO_FEW", { data: { volume: id } });
  }

  /** Resolves when the bytes may be used again. */
  async write(piece: Uint8Array): Promise<void> {
    this.checksums.update(piece);
    const last = this.checksums.length === this.#dataBytes;
    assert(this.checksums.length <= this.#dataBytes, "an extent has the length that it was begun with");
    const chunks: Uint8Array[] = [piece];
    if (this.#slot === undefined) chunks.unshift(await this.#begin());
    const { open, position } = this.#slot!;
    if (last) chunks.push(this.#trailer("complete"));
    const at = this.#written === 0 ? position : this.#dataPosition + this.#written;
    this.#written += piece.length;
    await this.#guard(async () => {
      await open.write(at, chunks, position + this.#slotBytes);
    });
  }

  /** What was written, as this node's copy has it now: nothing is verified. */
  read(from: number, length: number): Promise<Uint8Array> {
    return this.#slot!.open.file.read(this.#dataPosition + from, length);
  }

  /** Resolves with the name once the extent is durable; it is in flight from its first write on. */
  async finish(): Promise<NeedleName> {
    const slot = this.#slot;
    assert(slot !== undefined && this.#written === this.#dataBytes, "an extent is finished when all of it is written");
    await this.#sync(slot.open, slot.position);
    return this.#name(slot);
  }

  /** Leaves a void slot behind, which a sync of its own settles later. The extent is no longer in flight. */
  async abandon(): Promise<void> {
    const slot = this.#slot;
    if (slot === undefined) return;
    this.#context.inFlight.remove(this.#name(slot));
    if (this.#context.health.failed || this.#broken) return;
    const { open, position } = slot;
    try {
      const trailer = this.#trailer("void");
      await this.#guard(() => open.write(this.#dataPosition + this.#dataBytes, [trailer], position + this.#slotBytes));
    } catch {
      return;
    }
    open.gap(position, this.#slotBytes);
    this.#sync(open, position).catch((error: unknown) => {
      if (isLoss(error)) this.#break(slot);
    });
  }

  /** The volume can not have it. The slot is nobody's, and its file is not read any more. */
  leave(): void {
    const slot = this.#slot;
    if (slot === undefined) return;
    this.#context.inFlight.remove(this.#name(slot));
    if (!this.#broken) this.#break(slot);
  }

  get #slotBytes(): number {
    return alignUp(slotBytesFor(this.#owner.length, this.#dataBytes), SECTOR_BYTES);
  }

  get #dataPosition(): number {
    return this.#slot!.position + HEADER_BYTES + this.#owner.length;
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
    const blocks = state === "complete" ? this.checksums.finish() : [];
    this.#checksum = state === "complete" ? wholeChecksum(blocks, this.#dataBytes) : 0;
    const bytes = new Uint8Array(trailerBytes(this.#dataBytes));
    const binding = { needle: position / UNIT_BYTES, dataBytes: this.#dataBytes, headerChecksum: this.#headerChecksum };
    encodeTrailer(bytes, 0, { state, blocks, checksum: this.#checksum }, binding, open.volume.identity);
    return bytes;
  }

  /** A full disk costs the slot, any other failure the node. */
  async #guard(run: () => Promise<void>): Promise<void> {
    const { health } = this.#context;
    try {
      await run();
    } catch (error) {
      if (!isDiskFull(error)) throw health.fail(error);
      this.#break(this.#slot!);
      throw blobFailure("SPACE_RESERVED", { cause: error });
    }
  }

  /** A filler goes over it before the volume is sealed. */
  #break({ open, position }: { readonly open: OpenVolume; readonly position: number }): void {
    this.#broken = true;
    open.breakSlot(position, this.#slotBytes);
    this.#context.supply.retire(open);
  }

  #name({ open, position }: { readonly open: OpenVolume; readonly position: number }): NeedleName {
    return { volume: open.id, needle: position / UNIT_BYTES };
  }
}
