// Read, change, commit: how every entry of the access service is changed. The commit checks each row that the change
// rests on; where another was faster it is read again and decided anew.

import { text, utf8 } from "../../std/bytes.ts";
import type { Check, Commit, CommitResult, Row, RowAddress, RowKey, Store, Table } from "../../store/index.ts";
import { accessFailure } from "./errors.ts";
import { ACCESS_LIMITS } from "./limits.ts";

/** What a change wants committed, and its result once that is done. */
export interface Change<Result> {
  readonly commit: Commit;
  readonly result: Result;
}

export interface Changed<Result> {
  readonly result: Result;
  /** Of all rows that were put. */
  readonly revision: number;
}

/**
 * Runs `decide` on rows read anew until its commit goes through. What `decide` throws ends it with nothing changed.
 * `changed` is called before the result is told, and also where a lost reply leaves open whether anything changed.
 * Rejects with CONTENDED after `attemptsMax`, and with the Store's OUTCOME_UNKNOWN where its reply was lost.
 */
export async function change<Result>(
  store: Store,
  decide: () => Promise<Change<Result>>,
  changed: (result: Result) => void,
): Promise<Changed<Result>> {
  for (let attempt = 0; attempt < ACCESS_LIMITS.attemptsMax; attempt++) {
    const { commit, result } = await decide();
    let outcome: CommitResult | undefined;
    try {
      outcome = await store.commit(commit);
    } finally {
      if (outcome?.committed !== false) changed(result);
    }
    if (outcome.committed) return { result, revision: outcome.revision };
  }
  throw accessFailure("CONTENDED");
}

/** The row is still as it was read. */
export function unchanged(address: RowAddress, row: Row | undefined): Check {
  return row === undefined ? { ...address, absent: true } : { ...address, revision: row.revision };
}

/** Throws REVISION_CHANGED where the caller read another revision than the one there is. */
export function checkRevision(row: Row, ifRevision: number | undefined): void {
  if (ifRevision === undefined || ifRevision === row.revision) return;
  throw accessFailure("REVISION_CHANGED", { data: { revision: row.revision, ifRevision } });
}

export interface PageRequest {
  /** The last entry's name of the page before. */
  readonly after?: string | undefined;
  /** 1 to 1,000. */
  readonly limit: number;
}

export interface NamedRow {
  readonly name: string;
  readonly row: Row;
}

export interface RowPage {
  readonly rows: readonly NamedRow[];
  readonly more: boolean;
}

/** A page of the rows without a suffix, in byte order of their keys. Throws PAGE_INVALID. */
export async function readPage(store: Store, table: Table, page: PageRequest): Promise<RowPage> {
  checkPage(page);
  const rows: NamedRow[] = [];
  let after: RowKey | undefined = page.after === undefined ? undefined : behind(page.after);
  for (;;) {
    const range = after === undefined ? {} : { after };
    // Each entry has at most one row with a suffix, and one more row tells whether there is a next page.
    const found = await store.scan(table, range, { limit: (page.limit - rows.length) * 2 + 1 });
    for (const row of found.rows) {
      if (row.suffix.length > 0) continue;
      if (rows.length === page.limit) return { rows, more: true };
      rows.push({ name: text(row.key), row });
    }
    const last = found.rows.at(-1);
    if (!found.more || last === undefined) return { rows, more: false };
    after = last;
  }
}

export function checkPage(page: PageRequest): void {
  const { limit } = page;
  if (Number.isInteger(limit) && limit >= 1 && limit <= ACCESS_LIMITS.pageRowsMax) return;
  throw accessFailure("PAGE_INVALID", { data: { limit } });
}

/** Behind all rows of the entry. */
function behind(name: string): RowKey {
  return { key: utf8(name), suffix: LAST_SUFFIX };
}

const LAST_SUFFIX = Uint8Array.of(0xff);
