import type { BlobRef, References } from "../../blob/index.ts";
import { toHex } from "../../std/bytes.ts";
import { type Row, type RowKey, type Store, TABLES } from "../../store/index.ts";
import { isManifestTombstone, rowsOfKey } from "./keys.ts";
import { decodeManifestPage, decodeObjectRecord, decodePartRecord, type Storage } from "./record.ts";
import { refsOf } from "./storage.ts";

// What the rows of a key name. The collector asks before it takes a needle; the answer is read after the question.

const SCAN_ROWS = 500;

type NeedleName = Pick<BlobRef, "volume" | "needle">;

export class RefSet {
  readonly #names = new Set<string>();

  add(ref: NeedleName): void {
    this.#names.add(`${ref.volume}/${ref.needle}`);
  }

  has(ref: NeedleName): boolean {
    return this.#names.has(`${ref.volume}/${ref.needle}`);
  }

  /** False where it was not there. */
  delete(ref: NeedleName): boolean {
    return this.#names.delete(`${ref.volume}/${ref.needle}`);
  }

  get size(): number {
    return this.#names.size;
  }
}

/** The collector's view of this service: the owner of a needle, and a holder of one, is the Store key of an object. */
export function objectReferences(store: Store): References {
  return {
    async named(key, needles) {
      const asked = new RefSet();
      for (const needle of needles) asked.add(needle);
      const found = new RefSet();
      for await (const refs of refsOfKey(store, key, true)) {
        for (const ref of refs) if (asked.delete(ref)) found.add(ref);
        if (asked.size === 0) break;
      }
      return needles.map((needle) => found.has(needle));
    },
  };
}

/** What objects and manifests of the key name; parts of uploads are left out. */
export async function namedRefs(store: Store, key: Uint8Array): Promise<RefSet> {
  const set = new RefSet();
  for await (const refs of refsOfKey(store, key, false)) for (const ref of refs) set.add(ref);
  return set;
}

/** In hexadecimal digits. */
export async function namedManifests(store: Store, key: Uint8Array): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  for (const table of [TABLES.object, TABLES.version, TABLES.part]) {
    for await (const row of rowsUnder(store, table, key)) {
      const storage = storageIn(row);
      if (storage?.kind === "paged") names.add(toHex(storage.manifest));
    }
  }
  return names;
}

async function* refsOfKey(store: Store, key: Uint8Array, withParts: boolean): AsyncGenerator<readonly BlobRef[]> {
  const tables = withParts ? [TABLES.object, TABLES.version, TABLES.part] : [TABLES.object, TABLES.version];
  for (const table of tables) {
    for await (const row of rowsUnder(store, table, key)) yield refsOf(storageIn(row));
  }
  for await (const row of rowsUnder(store, TABLES.manifest, key)) {
    if (!isManifestTombstone(row)) yield decodeManifestPage(row.value).runs.flatMap((run) => run.refs);
  }
}

async function* rowsUnder(store: Store, table: number, key: Uint8Array): AsyncGenerator<Row> {
  const { from, to } = rowsOfKey(key);
  let start: { readonly from?: RowKey; readonly after?: RowKey } = { from };
  for (;;) {
    const { rows, more } = await store.scan(table, { ...start, to }, { limit: SCAN_ROWS });
    yield* rows;
    const last = rows.at(-1);
    if (!more || last === undefined) return;
    start = { after: last };
  }
}

function storageIn(row: Row): Storage | undefined {
  if (row.table === TABLES.part) return decodePartRecord(row.value).storage;
  const isHead = row.table === TABLES.version && row.suffix.length === 0;
  return isHead ? undefined : decodeObjectRecord(row.value).storage;
}
