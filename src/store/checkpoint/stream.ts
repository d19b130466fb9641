// A checkpoint's bytes, made block by block as they are asked for, from a frozen view of the Index. Every row's checksum
// is verified on the way: a damaged row never gets into a checkpoint, where it would look sound.

import type { IndexSnapshot } from "../../env/index.ts";
import type { ByteSource } from "../../std/source.ts";
import { storeFailure } from "../errors.ts";
import { decodeRow } from "../row-codec.ts";
import { RowWalk } from "../row-walk.ts";
import { BlockEncoder, type CheckpointHeader, encodeFooter, encodeHeader } from "./format.ts";

/** Its reads reject with ROW_DAMAGED. The snapshot stays its owner's. */
export class CheckpointStream implements ByteSource {
  /** So far. */
  rows = 0;
  readonly #snapshot: IndexSnapshot;
  readonly #header: CheckpointHeader;
  readonly #walk: RowWalk;
  readonly #encoder = new BlockEncoder();
  #blocks = 0;
  #crc = 0;
  #next: "header" | "block" | "end" = "header";

  /** `header` is of the state in which the snapshot was taken. */
  constructor(snapshot: IndexSnapshot, header: CheckpointHeader) {
    this.#snapshot = snapshot;
    this.#header = header;
    this.#walk = new RowWalk(snapshot);
  }

  /** The header, a block or the footer. */
  async read(): Promise<Uint8Array | null> {
    if (this.#next === "end") return null;
    if (this.#next === "header") {
      const { bytes, crc } = encodeHeader(this.#header);
      this.#crc = crc;
      this.#next = "block";
      return bytes;
    }
    this.#encoder.reset();
    if (!this.#fillBlock()) return this.#end();
    const { bytes, crc } = this.#encoder.finish(this.#crc);
    this.#crc = crc;
    this.rows += this.#encoder.rows;
    this.#blocks++;
    return bytes;
  }

  cancel(): void {
    this.#next = "end";
  }

  /** False where no row is left. */
  #fillBlock(): boolean {
    while (!this.#encoder.full) {
      const row = this.#walk.next();
      if (row === undefined) break;
      decodeRow(row.key, row.value);
      this.#encoder.add(row);
    }
    return this.#encoder.rows > 0;
  }

  #end(): Uint8Array {
    this.#next = "end";
    const { rows } = this;
    const { rowCount } = this.#snapshot;
    // A leaf of the index that lost rows still looks like one: only the count tells, and a checkpoint would make it final.
    if (rows !== rowCount) {
      throw storeFailure("ROW_DAMAGED", {
        what: "The index holds another number of rows than it says.",
        data: { rows, rowCount },
      });
    }
    return encodeFooter({ rows, blocks: this.#blocks }, this.#crc);
  }
}
