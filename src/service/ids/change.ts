// Read, decide, commit: how rows that people define are changed. Where another was faster it is read again and decided anew.

import { text, utf8 } from "../../std/bytes.ts";
import type { Check, Commit, Put, Row, RowAddress, Store, Table } from "../../store/index.ts";
import { idsFailure } from "./errors.ts";
import { IDS_LIMITS } from "./limits.ts";
import { countRow, decodeCount, encodeCount } from "./records.ts";

export interface Change<Result> {
  readonly commit: Commit;
  readonly result: Result;
}

/** What `decide` throws ends it with nothing changed. Rejects with CONTENDED, and with the Store's errors. */
export async function change<Result>(store: Store, decide: () => Promise<Change<Result>>): Promise<Result> {
  for (let attempt = 0; attempt < IDS_LIMITS.attemptsMax; attempt++) {
    const { commit, result } = await decide();
    if ((await store.commit(commit)).committed) return result;
  }
  throw idsFailure("CONTENDED");
}

/** The row is still as it was read. */
export function unchanged(address: RowAddress, row: Row | undefined): Check {
  return row === undefined ? { ...address, absent: true } : { ...address, revision: row.revision };
}

/** One more row of a kind. Throws `exhausted` where there are as many as there may be. */
export async function oneMore(
  store: Store,
  kind: "generator" | "tag",
  countMax: number,
): Promise<{ readonly checks: readonly Check[]; readonly puts: readonly Put[] }> {
  const address = countRow(kind);
  const { row } = await store.get(address);
  const count = row === undefined ? 0 : decodeCount(row);
  if (count >= countMax) throw idsFailure(kind === "tag" ? "LIMIT_TAGS" : "LIMIT_GENERATORS", { data: { countMax } });
  return { checks: [unchanged(address, row)], puts: [{ ...address, value: encodeCount(count + 1) }] };
}

export interface PageRequest {
  /** The last entry's name of the page before. */
  readonly after?: string | undefined;
  /** 1 to 1,000. */
  readonly limit: number;
}

export interface Page<Entry> {
  readonly entries: readonly Entry[];
  /** Pass it as `after` for the next page. */
  readonly next: string | undefined;
}

/** A page of the entries that `read` makes of rows, in byte order of their names; it skips what it gives undefined for. */
export async function readPage<Entry>(
  store: Store,
  table: Table,
  { after, limit }: PageRequest,
  read: (row: Row, name: string) => Entry | undefined,
): Promise<Page<Entry>> {
  if (!Number.isInteger(limit) || limit < 1 || limit > IDS_LIMITS.pageRowsMax)
    throw idsFailure("PAGE_INVALID", { data: { limit } });
  const entries: Entry[] = [];
  let last = after;
  for (;;) {
    const range = last === undefined ? {} : { after: { key: utf8(last) } };
    const page = await store.scan(table, range, { limit });
    for (const row of page.rows) {
      if (entries.length === limit) return { entries, next: last };
      last = text(row.key);
      const entry = read(row, last);
      if (entry !== undefined) entries.push(entry);
    }
    if (!page.more || page.rows.length === 0) return { entries, next: undefined };
    if (entries.length === limit) return { entries, next: last };
  }
}

const NAME = /^[\w.:+=,@-]{1,128}$/;

/** Throws NAME_INVALID. */
export function checkName(name: string): void {
  if (!NAME.test(name)) throw idsFailure("NAME_INVALID", { data: { name: name.slice(0, 200) } });
}

/** Throws COUNT_INVALID. */
export function checkCount(count: number): void {
  const { countMax } = IDS_LIMITS;
  if (Number.isInteger(count) && count >= 1 && count <= countMax) return;
  throw idsFailure("COUNT_INVALID", { data: { count, countMax } });
}
