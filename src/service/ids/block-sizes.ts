// How large the last block of a tag was which a table outside of the Store counts, so that a node that starts goes on with that
// size. Nothing rests on it: a row that is lost costs some fetches.

import { utf8 } from "../../std/bytes.ts";
import { AshlarError } from "../../std/errors.ts";
import { type RowAddress, type Store, TABLES } from "../../store/index.ts";
import { decodeCount, encodeCount } from "./records.ts";

export class BlockSizes {
  readonly #store: Pick<Store, "get" | "commit">;

  constructor(store: Pick<Store, "get" | "commit">) {
    this.#store = store;
  }

  /** 0 where none is known. At once: the table must not have to wait for the Store. */
  async read(tag: string): Promise<number> {
    try {
      const { row } = await this.#store.get(addressOf(tag), { level: "stale" });
      return row === undefined ? 0 : decodeCount(row);
    } catch (error) {
      if (error instanceof AshlarError) return 0;
      throw error;
    }
  }

  async write(tag: string, size: number): Promise<void> {
    try {
      await this.#store.commit({ checks: [], puts: [{ ...addressOf(tag), value: encodeCount(size) }] });
    } catch (error) {
      if (!(error instanceof AshlarError)) throw error;
    }
  }
}

function addressOf(tag: string): RowAddress {
  return { table: TABLES.idBlockSize, key: utf8(tag) };
}
