// Leaf's own table, by Leaf's own statements, so that Leaf's servers may go on with it at the same time.
//
//     biz_tag varchar(128) PRIMARY KEY | max_id bigint | step int | description varchar(256) | update_time timestamp

import type { MysqlClient, RunMysql } from "./client.ts";
import { mysqlFailure } from "./errors.ts";

export interface LeafAllocRow {
  readonly tag: string;
  /** Behind all numbers that were handed out to some server. */
  readonly maxId: bigint;
  readonly step: number;
}

export class LeafAllocTable {
  readonly #client: MysqlClient;

  constructor(client: MysqlClient) {
    this.#client = client;
  }

  async tags(): Promise<string[]> {
    const rows = await this.#client.read("SELECT biz_tag FROM leaf_alloc");
    return rows.map(([tag]) => String(tag));
  }

  async rows(): Promise<(LeafAllocRow & { readonly updatedMillis: number })[]> {
    const rows = await this.#client.read("SELECT biz_tag, max_id, step, update_time FROM leaf_alloc");
    return rows.map(([tag, maxId, step, updated]) => ({
      ...rowOf([tag, maxId, step]),
      updatedMillis: timeOf(updated),
    }));
  }

  /**
   * Moves a tag's count on by its step, or by so many, in one transaction; the row as it is then. Undefined where there is no
   * such tag. Where the answer is lost, so are its numbers.
   */
  advance(tag: string, size: number | undefined): Promise<LeafAllocRow | undefined> {
    return this.#client.transaction(async (run: RunMysql) => {
      if (size === undefined) await run("UPDATE leaf_alloc SET max_id = max_id + step WHERE biz_tag = ?", [tag]);
      else await run("UPDATE leaf_alloc SET max_id = max_id + ? WHERE biz_tag = ?", [size, tag]);
      const [row] = await run("SELECT biz_tag, max_id, step FROM leaf_alloc WHERE biz_tag = ?", [tag]);
      return row && withStep(rowOf(row));
    });
  }
}

function rowOf([tag, maxId, step]: readonly unknown[]): LeafAllocRow {
  return { tag: String(tag), maxId: BigInt(String(maxId)), step: Number(step) };
}

/** A step below 1 hands out nothing, or what was handed out before. Throws ANSWER_INVALID. */
function withStep(row: LeafAllocRow): LeafAllocRow {
  if (Number.isSafeInteger(row.step) && row.step >= 1) return row;
  throw mysqlFailure("ANSWER_INVALID", {
    what: `The tag ${row.tag} of leaf_alloc has the step ${row.step}.`,
    advice: "Set it to 1 or more.",
    data: { tag: row.tag, step: row.step },
  });
}

/** `2026-11-21 12:00:00`, in UTC. */
function timeOf(updated: unknown): number {
  const millis = Date.parse(`${String(updated).replace(" ", "T")}Z`);
  return Number.isNaN(millis) ? 0 : millis;
}
