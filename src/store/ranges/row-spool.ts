// A file of what transfers would bring to their target, to be brought there later: each piece is a command, as a group's
// log would have it.
//
//   length u32, little-endian | crc32c of the command u32 | command
//
// It is of one run of one process, and is not synced.

import type { Disk, DiskFile } from "../../env/index.ts";
import { assert } from "../../std/assert.ts";
import { crc32c } from "../../std/checksums/index.ts";
import { encodeCommand } from "../command.ts";
import { storeFailure } from "../errors.ts";
import type { RangeCommand } from "../machine/range-commands.ts";
import type { Transferred } from "../machine/result.ts";
import type { TransferGroup } from "./transfer.ts";

const HEADER_BYTES = 8;

export class RowSpool implements Pick<TransferGroup, "step">, AsyncDisposable {
  readonly #disk: Disk;
  readonly #name: string;
  readonly #file: DiskFile;
  #bytes = 0;

  static async create(disk: Disk, name: string): Promise<RowSpool> {
    await disk.remove(name).catch(() => {});
    return new RowSpool(disk, name, await disk.open(name, "create"));
  }

  private constructor(disk: Disk, name: string, file: DiskFile) {
    this.#disk = disk;
    this.#name = name;
    this.#file = file;
  }

  /** Several transfers may be under way at once. */
  async step(step: RangeCommand): Promise<Transferred> {
    assert(step.kind === "import-rows", "a spool takes rows");
    const command = encodeCommand({ kind: "range", step });
    const header = new Uint8Array(HEADER_BYTES);
    const view = new DataView(header.buffer);
    view.setUint32(0, command.length, true);
    view.setUint32(4, crc32c(command), true);
    const at = this.#bytes;
    this.#bytes += HEADER_BYTES + command.length;
    await this.#file.write(at, [header, command]);
    return { kind: "transferred", phase: "copying", revision: 0, more: false };
  }

  /** In the order in which they came. Rejects with ROW_DAMAGED where they are not as they were written. */
  async *commands(): AsyncGenerator<Uint8Array, void, void> {
    for (let at = 0; at < this.#bytes; ) {
      const header = await this.#file.read(at, HEADER_BYTES);
      const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
      const [length, checksum] = [view.getUint32(0, true), view.getUint32(4, true)];
      at += HEADER_BYTES + length;
      if (at > this.#bytes) throw damaged(this.#name);
      const command = await this.#file.read(at - length, length);
      if (crc32c(command) !== checksum) throw damaged(this.#name);
      yield command;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
    await this.#disk.remove(this.#name).catch(() => {});
  }
}

function damaged(name: string): Error {
  return storeFailure("ROW_DAMAGED", {
    what: "Rows that were kept for a backup are not as they were.",
    data: { name },
  });
}
