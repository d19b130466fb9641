import { BlockChecksums, wholeChecksum } from "./block-checksums.ts";
import { HEADER_BYTES, needleBytes, slotBytesFor, type VolumeIdentity } from "./format.ts";
import { encodeHeader, encodeTrailer } from "./needle.ts";

export interface RecordPlace {
  readonly needle: number;
  readonly slotBytes: number;
  readonly epoch: number;
  readonly timeMillis: number;
  readonly durable: number;
  readonly identity: VolumeIdentity;
}

/**
 * One needle as it will stand on disk, built in one piece of its writer's memory: the data comes in first, header and
 * trailer when it has a place.
 */
export class NeedleRecord {
  readonly bytes: Uint8Array;
  readonly dataBytes: number;
  readonly #ownerBytes: number;
  readonly #checksums = new BlockChecksums();
  #whole = 0;
  #blocks: readonly number[] = [];

  /** `memory` holds at least the slot; what it held before does not matter. */
  constructor(owner: Uint8Array, dataBytes: number, memory: Uint8Array) {
    this.bytes = memory.subarray(0, slotBytesFor(owner.length, dataBytes));
    this.bytes.fill(0, needleBytes(owner.length, dataBytes));
    this.bytes.set(owner, HEADER_BYTES);
    this.dataBytes = dataBytes;
    this.#ownerBytes = owner.length;
  }

  /** Where the data goes. */
  get data(): Uint8Array {
    const from = HEADER_BYTES + this.#ownerBytes;
    return this.bytes.subarray(from, from + this.dataBytes);
  }

  get checksum(): number {
    return this.#whole;
  }

  /** Once the data stands in its place. */
  seal(): void {
    this.#checksums.update(this.data);
    this.#blocks = this.#checksums.finish();
    this.#whole = wholeChecksum(this.#blocks, this.dataBytes);
  }

  place(place: RecordPlace): void {
    const { needle, slotBytes, epoch, timeMillis, durable, identity } = place;
    const ownerBytes = this.#ownerBytes;
    const { dataBytes } = this;
    const header = { filler: false, needle, slotBytes, ownerBytes, dataBytes, epoch, timeMillis, durable };
    const headerChecksum = encodeHeader(this.bytes, 0, header, identity);
    const trailer = { state: "complete" as const, blocks: this.#blocks, checksum: this.#whole };
    const trailerAt = HEADER_BYTES + ownerBytes + dataBytes;
    encodeTrailer(this.bytes, trailerAt, trailer, { needle, dataBytes, headerChecksum }, identity);
  }
}
