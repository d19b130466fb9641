import { findDamagedBlock, wholeChecksum } from "./block-checksums.ts";
import { BLOCK_BYTES, HEADER_BYTES, trailerBytes, UNIT_BYTES, type VolumeIdentity } from "./format.ts";
import {
  findHeaderMagic,
  headerBytesWanted,
  headerChecksumAt,
  type NeedleHeader,
  type NeedleTrailer,
  parseHeader,
  parseTrailer,
} from "./needle.ts";
import { type ReadableFile, ReadWindow, type WindowOptions } from "./window.ts";

export interface NeedleSlot {
  readonly kind: "needle";
  readonly position: number;
  readonly end: number;
  readonly header: NeedleHeader;
  readonly headerChecksum: number;
  readonly owner: Uint8Array;
  /**
   * `void`: its stream broke off. `unfinished`: the footer does not hold (a crash, or damage: nothing here tells
   * which). `damaged`: the footer holds but data does not; found only where data is verified.
   */
  readonly state: "complete" | "void" | "unfinished" | "damaged";
  readonly trailer: NeedleTrailer | undefined;
}

export interface FillerSlot {
  readonly kind: "filler";
  readonly position: number;
  readonly end: number;
  readonly header: NeedleHeader;
}

/** No header holds at `position`; the next one that does stands at `end`, or the range ends there. */
export interface Hole {
  readonly kind: "hole";
  readonly position: number;
  readonly end: number;
  /** Behind the last byte that is not zero; `position` where all are. */
  readonly dataEnd: number;
}

export type Slot = NeedleSlot | FillerSlot | Hole;

export interface WalkOptions extends WindowOptions {
  readonly from: number;
  readonly to: number;
  readonly verify: "footers" | "data";
}

/**
 * The slots of a volume in file order. Where the chain of slots is broken, the search goes on for a header that holds.
 */
export async function* walkSlots(
  file: ReadableFile,
  identity: VolumeIdentity,
  options: WalkOptions,
): AsyncGenerator<Slot, void, void> {
  const walker = new Walker(file, identity, options);
  for (let position = options.from; position < options.to; ) {
    const slot = (await walker.slotAt(position)) ?? (await walker.holeAt(position));
    yield slot;
    position = slot.end;
  }
}

/** The slot that begins at the position, or undefined where no header holds there. */
export async function readSlot(
  file: ReadableFile,
  identity: VolumeIdentity,
  position: number,
  options: Omit<WalkOptions, "from">,
): Promise<NeedleSlot | FillerSlot | undefined> {
  return new Walker(file, identity, options).slotAt(position);
}

class Walker {
  readonly #identity: VolumeIdentity;
  readonly #to: number;
  readonly #verifyData: boolean;
  readonly #window: ReadWindow;

  constructor(file: ReadableFile, identity: VolumeIdentity, options: Omit<WalkOptions, "from">) {
    this.#identity = identity;
    this.#to = options.to;
    this.#verifyData = options.verify === "data";
    this.#window = new ReadWindow(file, options);
  }

  async slotAt(position: number): Promise<NeedleSlot | FillerSlot | undefined> {
    const bytes = await this.#headerBytes(position);
    const header = parseHeader(bytes, 0, this.#identity);
    if (header === undefined || !this.#fits(header, position)) return undefined;
    const end = position + header.slotBytes;
    if (header.filler) return { kind: "filler", position, end, header };
    const headerChecksum = headerChecksumAt(bytes, 0);
    const owner = bytes.slice(HEADER_BYTES, HEADER_BYTES + header.ownerBytes);
    const trailer = await this.#trailer(position, header, headerChecksum);
    let state: NeedleSlot["state"] = trailer?.state ?? "unfinished";
    if (this.#verifyData && trailer?.state === "complete") {
      if (!(await this.#dataHolds(position, header, trailer))) state = "damaged";
    }
    return { kind: "needle", position, end, header, headerChecksum, owner, state, trailer };
  }

  async holeAt(position: number): Promise<Hole> {
    let dataEnd = position;
    for (let at = position; at < this.#to; ) {
      const bytes = await this.#window.view(at, Math.min(this.#to - at, BLOCK_BYTES));
      const found = await this.#findHeader(bytes, at, at === position ? UNIT_BYTES : 0);
      const searched = found === -1 ? bytes : bytes.subarray(0, found - at);
      const data = endOfData(searched);
      if (data > 0) dataEnd = at + data;
      if (found !== -1) return { kind: "hole", position, end: found, dataEnd };
      if (bytes.length < BLOCK_BYTES) break;
      at += bytes.length;
    }
    return { kind: "hole", position, end: this.#to, dataEnd };
  }

  async #findHeader(bytes: Uint8Array, position: number, from: number): Promise<number> {
    for (let at = findHeaderMagic(bytes, from); at !== -1; at = findHeaderMagic(bytes, at + UNIT_BYTES)) {
      const header = parseHeader(await this.#headerBytes(position + at), 0, this.#identity);
      if (header !== undefined && this.#fits(header, position + at)) return position + at;
    }
    return -1;
  }

  async #headerBytes(position: number): Promise<Uint8Array> {
    const fixed = await this.#window.view(position, HEADER_BYTES);
    const wanted = headerBytesWanted(fixed, 0);
    return wanted <= fixed.length ? fixed : await this.#window.view(position, wanted);
  }

  /** In generation 1 the number is the position. */
  #fits(header: NeedleHeader, position: number): boolean {
    if (position + header.slotBytes > this.#to) return false;
    return this.#identity.generation > 1 || header.needle * UNIT_BYTES === position;
  }

  async #trailer(position: number, header: NeedleHeader, headerChecksum: number): Promise<NeedleTrailer | undefined> {
    const { needle, ownerBytes, dataBytes } = header;
    const bytes = await this.#window.view(position + HEADER_BYTES + ownerBytes + dataBytes, trailerBytes(dataBytes));
    return parseTrailer(bytes, 0, { needle, dataBytes, headerChecksum }, this.#identity);
  }

  async #dataHolds(position: number, header: NeedleHeader, trailer: NeedleTrailer): Promise<boolean> {
    const dataAt = position + HEADER_BYTES + header.ownerBytes;
    for (let block = 0; block < trailer.blocks.length; block++) {
      const at = block * BLOCK_BYTES;
      const data = await this.#window.view(dataAt + at, Math.min(header.dataBytes - at, BLOCK_BYTES));
      if (data.length === 0 || findDamagedBlock(data, trailer.blocks, block) !== undefined) return false;
    }
    return wholeChecksum(trailer.blocks, header.dataBytes) === trailer.checksum;
  }
}

function endOfData(bytes: Uint8Array): number {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return end;
}
