// Puts a checkpoint's rows in the place of an Index's own. The state row goes first and comes last, when all is proven:
// an Index in which that broke off has rows and no state, and is known by it.

import type { Index, IndexRow } from "../../env/index.ts";
import { compareBytes, EMPTY, equalBytes } from "../../std/bytes.ts";
import { MalformedBytes } from "../../std/reader.ts";
import { successor } from "../key-codec.ts";
import { STATE_KEY } from "../machine/keys.ts";
import { decodeState } from "../machine/state.ts";
import type { CheckpointHeader } from "./format.ts";

/** Rows of the Index that one turn compares. */
const SCAN_ROWS = 512;

export class RowReplacement {
  readonly #index: Index;
  readonly #endTurn: () => Promise<void>;
  /** Rows before this key are the checkpoint's already. */
  #from: Uint8Array = EMPTY;
  #state: IndexRow | undefined;
  #began = false;

  constructor(index: Index, endTurn: () => Promise<void> = async () => {}) {
    this.#index = index;
    this.#endTurn = endTurn;
  }

  /** The next rows, in order. */
  async take(rows: readonly IndexRow[]): Promise<void> {
    let rest = rows;
    if (!this.#began) {
      this.#began = true;
      if (this.#index.get(STATE_KEY) !== undefined) this.#index.write({ puts: [], deletes: [STATE_KEY] });
      const [first] = rows;
      if (first !== undefined && equalBytes(first.key, STATE_KEY)) {
        this.#state = { key: STATE_KEY, value: first.value.slice() };
        rest = rows.slice(1);
      }
    }
    const last = rest.at(-1);
    if (last !== undefined) await this.#replaceUpTo(successor(last.key), rest);
  }

  /** All rows were proven. Throws MalformedBytes where they are not of the state that the header names. */
  async end(header: CheckpointHeader): Promise<void> {
    await this.#replaceUpTo(undefined, []);
    if (this.#state === undefined || decodeState(this.#state.value).appliedIndex !== header.appliedIndex) {
      throw new MalformedBytes("the rows do not hold the state that the header names");
    }
    this.#index.write({ puts: [this.#state], deletes: [] });
  }

  /** What the Index has up to there, besides the rows, goes. Rows that it has already are left as they are. */
  async #replaceUpTo(to: Uint8Array | undefined, rows: readonly IndexRow[]): Promise<void> {
    let next = 0;
    for (;;) {
      const present = this.#index.scan({ from: this.#from, to, limit: SCAN_ROWS });
      const isLast = present.length < SCAN_ROWS;
      const puts: IndexRow[] = [];
      const deletes: Uint8Array[] = [];
      for (const old of present) {
        while (next < rows.length && compareBytes(rows[next]!.key, old.key) < 0) puts.push(rows[next++]!);
        const row = rows[next];
        if (row === undefined || !equalBytes(row.key, old.key)) deletes.push(old.key);
        else {
          if (!equalBytes(row.value, old.value)) puts.push(row);
          next++;
        }
      }
      if (isLast) puts.push(...rows.slice(next));
      if (puts.length > 0 || deletes.length > 0) this.#index.write({ puts, deletes });
      this.#from = isLast ? (to ?? this.#from) : successor(present.at(-1)!.key);
      if (isLast) return;
      await this.#endTurn();
    }
  }
}
