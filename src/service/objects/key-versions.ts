// All versions of one key, as a listing shows them. They stand in two tables, which are scanned one after the other; a version
// that changes its place in between, from current to older or back, could be met twice or not at all. Every such change writes
// the key's head row, so the rows themselves tell whether they are of one moment; where they do not, the key is read anew.

import { compareBytes } from "../../std/bytes.ts";
import { type Row, type Store, TABLES } from "../../store/index.ts";
import { objectFailure } from "./errors.ts";
import { headRow, objectRow, rowsOfKey, versionSuffix } from "./keys.ts";
import { decodeObjectRecord, type ObjectRecord } from "./record.ts";
import { decodeHead } from "./versions.ts";

/** Rows of one key as two scans have met them. */
export interface MetRows {
  readonly current: Row | undefined;
  readonly head: Row | undefined;
  /** Newest first. */
  readonly older: readonly Row[];
  /** The rows of the table of versions came in more than one page, or not all of them. */
  readonly isSplit: boolean;
}

/** Newest first. */
export interface KeyVersions {
  readonly current: ObjectRecord | undefined;
  readonly older: readonly ObjectRecord[];
}

/** So often may others change the key while it is read. */
const ATTEMPTS_MAX = 100;

/** Undefined where the rows may be of different moments, whichever table was scanned first. */
export function settledVersions({ current, head, older, isSplit }: MetRows): KeyVersions | undefined {
  if (isSplit) return undefined;
  const record = current && decodeObjectRecord(current.value);
  const versions = { current: record, older: older.map(({ value }) => decodeObjectRecord(value)) };
  const [newest] = versions.older;
  if (current === undefined || record === undefined) {
    // Written by the last change, a delete marker says that there is no current version.
    const isHidden = newest?.deleteMarker === true && head !== undefined && older[0]!.revision >= head.revision;
    return isHidden ? versions : undefined;
  }
  if (head === undefined) return older.length === 0 && record.versionId === undefined ? versions : undefined;
  // Nothing has changed its place since the current version was read, and it was current or older when the others were:
  // then current, for it is newer than all of them.
  const isLast = current.revision >= head.revision && record.order <= decodeHead(head.value).lastOrder;
  return isLast && (newest === undefined || newest.order < record.order) ? versions : undefined;
}

/** All of one moment: at most so many older ones, and those behind a version's place where one is named. */
export async function readVersions(
  store: Store,
  key: Uint8Array,
  limit: number,
  behind?: Uint8Array,
): Promise<KeyVersions> {
  for (let tries = 0; tries < ATTEMPTS_MAX; tries++) {
    const [current, head] = await store.getMany([objectRow(key), headRow(key)]);
    const older = await olderRows(store, key, limit, behind);
    const [currentAfter, headAfter] = await store.getMany([objectRow(key), headRow(key)]);
    if (current?.revision !== currentAfter?.revision || head?.revision !== headAfter?.revision) continue;
    const record = current && decodeObjectRecord(current.value);
    const isBehind = behind === undefined || (record && compareBytes(versionSuffix(record), behind) > 0);
    return { current: isBehind ? record : undefined, older: older.map(({ value }) => decodeObjectRecord(value)) };
  }
  throw objectFailure("CONFLICT");
}

async function olderRows(store: Store, key: Uint8Array, limit: number, behind?: Uint8Array): Promise<readonly Row[]> {
  const { to } = rowsOfKey(key);
  const rows: Row[] = [];
  let after = behind === undefined ? headRow(key) : { key, suffix: behind };
  for (;;) {
    const page = await store.scan(TABLES.version, { after, to }, { limit: limit - rows.length });
    rows.push(...page.rows);
    const last = rows.at(-1);
    if (!page.more || rows.length >= limit || last === undefined) return rows;
    after = last;
  }
}
