import type { Disk, DiskFile } from "../env/index.ts";
import { wholeChecksum } from "./block-checksums.ts";
import {
  alignUp,
  FOLDER,
  HEADER_BYTES,
  identityOf,
  SECTOR_BYTES,
  SUPERBLOCK_BYTES,
  slotBytesFor,
  type VolumeIdentity,
  volumeFileName,
} from "./format.ts";
import { encodeHeader, encodeTrailer } from "./needle.ts";
import { encodeNeedleTable, type NeedlePlace, NeedleTable } from "./needle-table.ts";
import { encodeSuperblock, type Superblock } from "./superblock.ts";
import { type NeedleSlot, walkSlots } from "./walk.ts";

const FLUSH_BYTES = 1_048_576;
const COPY_BYTES = 1_048_576;

/** Writes the next generation of a volume: needles in the order of their numbers, then their table. */
export class GenerationWriter {
  readonly identity: VolumeIdentity;
  readonly #file: DiskFile;
  readonly #places: NeedlePlace[] = [];
  #position = SUPERBLOCK_BYTES;
  #chunks: Uint8Array[] = [];
  #chunkBytes = 0;

  private constructor(file: DiskFile, identity: VolumeIdentity) {
    this.#file = file;
    this.identity = identity;
  }

  /** A file of that name is what an attempt before left over. */
  static async create(disk: Disk, superblock: Superblock): Promise<GenerationWriter> {
    const { volume, generation, tag } = superblock.identity;
    const name = volumeFileName(volume, generation);
    if ((await disk.list(FOLDER)).includes(name.slice(FOLDER.length + 1))) await disk.remove(name);
    const file = await disk.open(name, "create");
    const writer = new GenerationWriter(file, identityOf(volume, generation, tag));
    await file.write(0, [encodeSuperblock(superblock)]);
    return writer;
  }

  /** For those who copy it once it is finished. */
  get file(): DiskFile {
    return this.#file;
  }

  get needles(): number {
    return this.#places.length;
  }

  /** Copies one verified needle; `read` returns a part of its data. */
  async add(slot: NeedleSlot, read: (from: number, length: number) => Promise<Uint8Array>): Promise<void> {
    const { needle, dataBytes, epoch, timeMillis } = slot.header;
    const ownerBytes = slot.owner.length;
    const slotBytes = slotBytesFor(ownerBytes, dataBytes);
    const head = new Uint8Array(HEADER_BYTES + ownerBytes);
    head.set(slot.owner, HEADER_BYTES);
    const header = { filler: false, needle, slotBytes, ownerBytes, dataBytes, epoch, timeMillis, durable: 0 };
    const headerChecksum = encodeHeader(head, 0, header, this.identity);
    this.#places.push({ needle, position: this.#position + this.#chunkBytes });
    await this.#push(head);
    for (let at = 0; at < dataBytes; at += COPY_BYTES) {
      await this.#push(await read(at, Math.min(COPY_BYTES, dataBytes - at)));
    }
    const { blocks } = slot.trailer!;
    const trailer = new Uint8Array(slotBytes - head.length - dataBytes);
    const checksum = wholeChecksum(blocks, dataBytes);
    const binding = { needle, dataBytes, headerChecksum };
    encodeTrailer(trailer, 0, { state: "complete", blocks, checksum }, binding, this.identity);
    await this.#push(trailer);
  }

  /** Writes the table. Returns the length of the file. */
  async finish(): Promise<number> {
    const slotsEnd = this.#position + this.#chunkBytes;
    await this.#push(new Uint8Array(alignUp(slotsEnd, SECTOR_BYTES) - slotsEnd));
    for (const chunk of encodeNeedleTable(this.#places, slotsEnd, this.identity)) await this.#push(chunk);
    await this.#flush();
    return this.#position;
  }

  sync(): Promise<void> {
    return this.#file.sync();
  }

  /** Reads everything back: each needle stands where the table says and holds. */
  async verify(pace: (bytes: number) => Promise<void>): Promise<boolean> {
    const table = await NeedleTable.open(this.#file, this.identity);
    if (table.damaged || !(await table.verify(this.#file))) return false;
    let next = 0;
    const options = { from: SUPERBLOCK_BYTES, to: table.slotsEnd, verify: "data" as const, pace };
    for await (const slot of walkSlots(this.#file, this.identity, options)) {
      const place = this.#places[next++];
      if (slot.kind !== "needle" || slot.state !== "complete") return false;
      if (slot.header.needle !== place?.needle || slot.position !== place.position) return false;
      if ((await table.find(this.#file, place.needle)) !== place.position) return false;
    }
    return next === this.#places.length;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #push(chunk: Uint8Array): Promise<void> {
    this.#chunks.push(chunk);
    this.#chunkBytes += chunk.length;
    if (this.#chunkBytes >= FLUSH_BYTES) await this.#flush();
  }

  async #flush(): Promise<void> {
    if (this.#chunkBytes > 0) await this.#file.write(this.#position, this.#chunks);
    this.#position += this.#chunkBytes;
    this.#chunks = [];
    this.#chunkBytes = 0;
  }
}
