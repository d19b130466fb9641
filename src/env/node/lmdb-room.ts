import { fstatSync, ftruncateSync, readSync, writeSync } from "node:fs";
import { type PageSource, readMeta } from "./lmdb-layout.ts";

/** Kept behind the last page. A write that needs more asks for it before. */
const ROOM_BYTES_MIN = 4_194_304;
const STEP_BYTES = 1_048_576;
const STEPS_AT_ONCE = 4;
/** The pages of the tree above what a write changes, and of the free list. */
const WRITE_OVERHEAD_BYTES = 65_536;
const ROW_OVERHEAD_BYTES = 4096;

const ZEROS = new Uint8Array(STEP_BYTES);

/**
 * Room that is allocated behind the pages of an index: LMDB writes pages anew before it gives old ones back, and a
 * failed write of its meta page ends the process. So a disk that another program has just filled does not stop a
 * delete. Zeros go only behind the end of the file and in the turn of the event loop in which that end was read;
 * nothing but this thread writes the file.
 *
 *   | meta | pages in use and free ones ... | last page | zeros: at least 4 MiB, unless the disk is full |
 */
export class LmdbRoom {
  readonly #descriptor: number;
  /** At least so much is there: what writes may have taken since the last look is off. */
  #bytesAhead = 0;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /** Before a write of so many rows and bytes. What the disk does not give is missing: the write itself finds out. */
  prepare(rows: number, bytes: number): void {
    const needed = WRITE_OVERHEAD_BYTES + rows * ROW_OVERHEAD_BYTES + 2 * bytes;
    this.#bytesAhead -= needed;
    if (this.#bytesAhead >= ROOM_BYTES_MIN) return;
    this.#bytesAhead = this.#measure() - needed;
    if (this.#bytesAhead >= ROOM_BYTES_MIN) return;
    const wanted = Math.ceil((ROOM_BYTES_MIN - this.#bytesAhead) / STEP_BYTES) + STEPS_AT_ONCE;
    for (let step = 0; step < wanted; step++) {
      const added = this.#lengthen();
      this.#bytesAhead += added;
      if (added < STEP_BYTES) return;
    }
  }

  /** When LMDB has closed the file. What can not be given back stays: it means nothing. */
  giveBack(): void {
    try {
      const { size } = fstatSync(this.#descriptor);
      ftruncateSync(this.#descriptor, size - this.#measure());
    } catch {
      return;
    }
  }

  #measure(): number {
    const { size } = fstatSync(this.#descriptor);
    const source: PageSource = { length: size, read: (position, length) => this.#read(position, length) };
    const meta = readMeta(source);
    return meta === undefined ? 0 : Math.max(0, size - (meta.lastPage + 1) * meta.pageBytes);
  }

  #read(position: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    return bytes.subarray(0, readSync(this.#descriptor, bytes, 0, length, position));
  }

  /** How much the file grew: less than a step where the disk is full. */
  #lengthen(): number {
    const { size } = fstatSync(this.#descriptor);
    try {
      return writeSync(this.#descriptor, ZEROS, 0, STEP_BYTES, size);
    } catch {
      return 0;
    }
  }
}
