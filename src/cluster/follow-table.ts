import { hasCode } from "../std/errors.ts";
import type { Change, Row, Store, Table } from "../store/index.ts";

const RETRY_MILLIS = 500;
const PAGE_ROWS = 1000;

export interface FollowTable {
  /** On this node, as its own machine has the rows: a little old at worst, and only ever newer. */
  readonly store: Pick<Store, "scan" | "watch">;
  readonly table: Table;
  readonly signal: AbortSignal;
  /** Resolves later, or at once where the signal is aborted meanwhile. */
  readonly pause: (millis: number, signal: AbortSignal) => Promise<void>;
  /** All rows: what is not among them is not there. */
  readonly loaded: (rows: readonly Row[]) => void;
  readonly changed: (changes: readonly Change[]) => void;
  readonly onError: (error: unknown) => void;
}

/** Reads everything, then what changes; from the beginning where it has missed something. Resolves once it is aborted. */
export async function followTable({
  store,
  table,
  signal,
  pause,
  loaded,
  changed,
  onError,
}: FollowTable): Promise<void> {
  while (!signal.aborted) {
    try {
      // From before the rows: what changes while they are read comes twice.
      const { position } = await store.scan(table, {}, { limit: 1, level: "stale" });
      loaded(await readTable(store, table, "stale"));
      for await (const { changes } of store.watch(table, {}, { since: position, signal })) changed(changes);
    } catch (error) {
      if (signal.aborted || hasCode(error, "STOPPED")) return;
      if (!PASSING.some((code) => hasCode(error, code))) onError(error);
      await pause(RETRY_MILLIS, signal);
    }
  }
}

/** All rows of a table that has few. */
export async function readTable(
  store: Pick<Store, "scan">,
  table: Table,
  level: "linearizable" | "stale" = "linearizable",
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  let after: Row | undefined;
  for (;;) {
    const page = await store.scan(table, after === undefined ? {} : { after }, { limit: PAGE_ROWS, level });
    for (const row of page.rows) rows.push(row);
    after = page.rows.at(-1);
    if (!page.more || after === undefined) return rows;
  }
}

const PASSING = ["NO_LEADER", "HISTORY_LOST", "SLOW_WATCHER"] as const;
