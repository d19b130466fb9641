// Where the rows of worker numbers are kept: this cluster's Store, or another one that several clusters share.

import { utf8 } from "../../std/bytes.ts";
import type { Row, RowKey, Store } from "../../store/index.ts";
import { STORE_LIMITS, TABLES } from "../../store/index.ts";
import { decodeWorker, encodeWorker, type WorkerRecord, workerOf, workerRow } from "./records.ts";

/** A row, and the revision that its next change has to name. */
export interface WorkerRow {
  readonly worker: number;
  /** Above 0, and never one that the row has had before. */
  readonly revision: number;
  readonly record: WorkerRecord;
}

/**
 * Rows that nobody changes unseen. What is written stays, whatever crashes: all that keeps two holders of a number apart
 * rests on that. Calls reject with the Store's errors where it can not be reached.
 */
export interface WorkerSource {
  /** Of a generator: numbers that are held or have been, ascending. */
  rows(generator: string): AsyncIterable<WorkerRow>;
  read(generator: string, worker: number): Promise<WorkerRow | undefined>;
  /**
   * The row's new revision; undefined where its revision is another one, 0 standing for no row. Rejects with
   * OUTCOME_UNKNOWN where the answer was lost and the row may have been written.
   */
  write(generator: string, worker: number, revision: number, record: WorkerRecord): Promise<number | undefined>;
}

export class StoreWorkers implements WorkerSource {
  readonly #store: Pick<Store, "get" | "scan" | "commit">;

  constructor(store: Pick<Store, "get" | "scan" | "commit">) {
    this.#store = store;
  }

  async *rows(generator: string): AsyncGenerator<WorkerRow, void, void> {
    const key = utf8(generator);
    const to: RowKey = { key: Uint8Array.of(...key, 0) };
    let after: Row | undefined;
    for (;;) {
      const range = after === undefined ? { from: { key }, to } : { after, to };
      const page = await this.#store.scan(TABLES.idWorker, range, { limit: STORE_LIMITS.scanRowsMax });
      for (const row of page.rows) yield rowOf(row);
      after = page.rows.at(-1);
      if (!page.more || after === undefined) return;
    }
  }

  async read(generator: string, worker: number): Promise<WorkerRow | undefined> {
    const { row } = await this.#store.get(workerRow(generator, worker));
    return row && rowOf(row);
  }

  async write(generator: string, worker: number, revision: number, record: WorkerRecord): Promise<number | undefined> {
    const address = workerRow(generator, worker);
    const check = revision === 0 ? ({ ...address, absent: true } as const) : { ...address, revision };
    const outcome = await this.#store.commit({
      checks: [check],
      puts: [{ ...address, value: encodeWorker(record) }],
    });
    return outcome.committed ? outcome.revision : undefined;
  }
}

function rowOf(row: Row): WorkerRow {
  return { worker: workerOf(row), revision: row.revision, record: decodeWorker(row) };
}
