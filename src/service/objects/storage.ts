import type { BlobRef, Blobs } from "../../blob/index.ts";
import { utf8 } from "../../std/bytes.ts";
import type { ByteSource } from "../../std/source.ts";
import { type Check, type Put, type RowAddress, type Store, TABLES } from "../../store/index.ts";
import { objectFailure } from "./errors.ts";
import { bodyRow, isManifestTombstone, manifestTombstone, pageRow, rowsOfSuffix } from "./keys.ts";
import { decodeManifestPage, encodeManifestPage, type ManifestPage, type PartRun, type Storage } from "./record.ts";

// Where an object's bytes are. A few extents stand in the object's own row. More go to manifest pages, which are committed first,
// invisible, and become visible with the object's row; what lets go of them commits a tombstone, and the cleaner takes them apart.

/** So that a commit which moves one object and writes another stays within the Store's limit of checks. */
export const DIRECT_REFS_MAX = 32;
const DIRECT_RUNS_MAX = 32;
const PAGE_REFS_MAX = 90;
const PAGE_RUNS_MAX = 500;

export interface ObjectBytes {
  readonly store: Store;
  readonly blobs: Blobs;
}

export function refsOf(storage: Storage | undefined): readonly BlobRef[] {
  return storage?.kind === "extents" ? storage.runs.flatMap((run) => run.refs) : [];
}

/** What a commit must check whose rows name this storage. */
export function storageChecks({ blobs }: ObjectBytes, key: Uint8Array, storage: Storage | undefined): readonly Check[] {
  return blobs.referenceChecks(key, refsOf(storage));
}

/** What a commit puts and deletes that removes the last row which names this storage. */
export function storageDrop(
  { blobs }: ObjectBytes,
  key: Uint8Array,
  storage: Storage | undefined,
): { readonly puts: readonly Put[]; readonly deletes: readonly RowAddress[] } {
  if (storage?.kind === "inline") return { puts: [], deletes: [bodyRow(key, storage.bodySuffix)] };
  if (storage?.kind === "paged") {
    return { puts: [{ ...manifestTombstone(key, storage.manifest), value: utf8(String(storage.pages)) }], deletes: [] };
  }
  return { puts: blobs.dropRows(key, refsOf(storage)), deletes: [] };
}

/** Keeps few extents as they are and stages many as manifest pages. */
export async function storeRuns(
  bytes: ObjectBytes,
  key: Uint8Array,
  runs: readonly PartRun[],
  manifest: string,
): Promise<Storage> {
  const refs = runs.reduce((sum, run) => sum + run.refs.length, 0);
  if (refs <= DIRECT_REFS_MAX && runs.length <= DIRECT_RUNS_MAX) return { kind: "extents", runs };
  const id = utf8(manifest);
  let pages = 0;
  for (const page of cutPages(runs)) {
    const checks = bytes.blobs.referenceChecks(
      key,
      page.runs.flatMap((run) => run.refs),
    );
    const put = { ...pageRow(key, id, pages), value: encodeManifestPage(page) };
    const result = await bytes.store.commit({ checks, puts: [put] });
    if (!result.committed) throw objectFailure("CONFLICT");
    pages++;
  }
  return { kind: "paged", manifest: id, pages };
}

/** All runs, page by page where they are paged. */
export async function* readRuns({ store }: ObjectBytes, key: Uint8Array, storage: Storage): AsyncGenerator<PartRun> {
  if (storage.kind === "extents") yield* storage.runs;
  if (storage.kind !== "paged") return;
  for (let at = 0; at < storage.pages; at++) yield* (await readPage(store, key, storage.manifest, at)).runs;
}

/** The bytes from `start` to `end` of a storage that is not inline. */
export function openStorage(
  bytes: ObjectBytes,
  key: Uint8Array,
  storage: Exclude<Storage, { kind: "inline" }>,
  start: number,
  end: number,
): ByteSource {
  if (storage.kind === "extents") return bytes.blobs.read(refsOf(storage), start, end);
  return new PagedSource(bytes, key, storage, start, end);
}

/** Deletes the pages of a tombstoned manifest, one commit a page, and drops what they name; then the tombstone. */
export async function dismantleManifest(
  { store, blobs }: ObjectBytes,
  key: Uint8Array,
  manifest: Uint8Array,
): Promise<void> {
  const range = rowsOfSuffix(key, manifest);
  const tombstone = manifestTombstone(key, manifest);
  for (;;) {
    const { rows, more } = await store.scan(TABLES.manifest, range, { limit: 50 });
    for (const row of rows) {
      if (isManifestTombstone(row)) continue;
      const refs = decodeManifestPage(row.value).runs.flatMap((run) => run.refs);
      await store.commit({ checks: [row], puts: blobs.dropRows(key, refs), deletes: [row] });
    }
    if (!more) break;
  }
  await store.commit({ deletes: [tombstone] });
}

class PagedSource implements ByteSource {
  readonly #bytes: ObjectBytes;
  readonly #key: Uint8Array;
  readonly #storage: Storage & { kind: "paged" };
  #at: number;
  readonly #end: number;
  #page: number | undefined;
  #current: ByteSource | undefined;

  constructor(bytes: ObjectBytes, key: Uint8Array, storage: Storage & { kind: "paged" }, start: number, end: number) {
    this.#bytes = bytes;
    this.#key = key;
    this.#storage = storage;
    this.#at = start;
    this.#end = end;
  }

  async read(): Promise<Uint8Array | null> {
    for (;;) {
      if (this.#current === undefined) {
        if (this.#at >= this.#end) return null;
        await this.#openPage();
      }
      const chunk = await this.#current!.read();
      if (chunk !== null) {
        this.#at += chunk.length;
        return chunk;
      }
      this.#current = undefined;
    }
  }

  cancel(reason?: unknown): void {
    this.#current?.cancel(reason);
    this.#current = undefined;
    this.#at = this.#end;
  }

  async #openPage(): Promise<void> {
    const number = this.#page === undefined ? await this.#pageAt(this.#at) : this.#page + 1;
    this.#page = number;
    const page = await readPage(this.#bytes.store, this.#key, this.#storage.manifest, number);
    const refs = page.runs.flatMap((run) => run.refs);
    const pageEnd = page.start + refs.reduce((sum, ref) => sum + ref.length, 0);
    const end = Math.min(this.#end, pageEnd);
    this.#current = this.#bytes.blobs.read(refs, this.#at - page.start, end - page.start);
  }

  /** The last page that starts at or before the position. */
  async #pageAt(position: number): Promise<number> {
    let low = 0;
    let high = this.#storage.pages - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      const page = await readPage(this.#bytes.store, this.#key, this.#storage.manifest, middle);
      if (page.start <= position) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

async function readPage(store: Store, key: Uint8Array, manifest: Uint8Array, page: number): Promise<ManifestPage> {
  const { row } = await store.get(pageRow(key, manifest, page));
  // The object was deleted while it was being read: the reader breaks off.
  if (row === undefined) throw objectFailure("OBJECT_MISSING");
  return decodeManifestPage(row.value);
}

function* cutPages(runs: readonly PartRun[]): Generator<ManifestPage> {
  let start = 0;
  let page: PartRun[] = [];
  let refs = 0;
  let length = 0;
  for (const run of runs) {
    let partOffset = run.partOffset;
    for (let at = 0; at < run.refs.length || at === 0; ) {
      if (refs >= PAGE_REFS_MAX || page.length >= PAGE_RUNS_MAX) {
        yield { start, runs: page };
        start += length;
        page = [];
        refs = 0;
        length = 0;
      }
      const piece = run.refs.slice(at, at + PAGE_REFS_MAX - refs);
      const bytes = piece.reduce((sum, ref) => sum + ref.length, 0);
      page.push({ ...run, partOffset, refs: piece });
      partOffset += bytes;
      length += bytes;
      refs += piece.length;
      at += Math.max(1, piece.length);
    }
  }
  yield { start, runs: page };
}
