import type { BlobRef, Blobs } from "../../blob/index.ts";
import { equalBytes, utf8 } from "../../std/bytes.ts";
import type { ByteSource } from "../../std/source.ts";
import { type Check, type Commit, type Put, type RowAddress, type Store, TABLES } from "../../store/index.ts";
import { objectFailure } from "./errors.ts";
import { bodyRow, isManifestTombstone, manifestTombstone, pageRow, rowsOfSuffix } from "./keys.ts";
import {
  decodeManifestPage,
  encodeManifestPage,
  type ManifestPage,
  ownersOf,
  type PartRun,
  type Storage,
} from "./record.ts";

// Where an object's bytes are. A few extents stand in the object's own row. More go to manifest pages, which are committed first,
// invisible, and become visible with the object's row; what lets go of them commits a tombstone, and the cleaner takes them apart.
//
// A run may lie in needles of another key (a copy's do). A commit that names such needles puts share rows beside its other rows, one
// a needle: with a page, or with the row that holds the runs. Only where the same commit checks a row of the same key that names them
// already (a version that moves) they are there for certain.

/** So that a commit which moves one object and writes another stays within the Store's limits of checks and writes. */
export const DIRECT_REFS_MAX = 32;
const DIRECT_RUNS_MAX = 32;
/** LIST reads what stands in the object's row. */
const DIRECT_OWNER_BYTES_MAX = 2048;
/** A page's commit checks a mark and may put a share row for each. */
export const PAGE_REFS_MAX = 90;
const PAGE_RUNS_MAX = 500;
const ATTEMPTS_MAX = 100;

export interface ObjectBytes {
  readonly store: Store;
  readonly blobs: Blobs;
}

export function refsOf(storage: Storage | undefined): readonly BlobRef[] {
  return storage?.kind === "extents" ? storage.runs.flatMap((run) => run.refs) : [];
}

/** What a commit must check whose rows name this storage. */
export function storageChecks({ blobs }: ObjectBytes, key: Uint8Array, storage: Storage | undefined): readonly Check[] {
  return storage?.kind === "extents" ? runChecks(blobs, key, storage.runs) : [];
}

/**
 * Share rows of a commit that names this storage and does not move it from a row of the same key. Undefined where a needle's owner and
 * the key are too long for a share row.
 */
export function storageShares(
  { blobs }: ObjectBytes,
  key: Uint8Array,
  storage: Storage | undefined,
): readonly Put[] | undefined {
  return storage?.kind === "extents" ? runShares(blobs, key, storage.runs) : [];
}

/** What a commit puts and deletes that removes a row which names this storage, and perhaps was the last to do so. */
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

/** A row under another key, of which a copy takes its needles. */
export interface ShareSource {
  /** Of the row that names the needles until the commit. */
  readonly check: Check;
  /** False where it is not the same object any more. */
  isThere(): Promise<boolean>;
}

/**
 * Keeps few extents as they are and stages many as manifest pages. Undefined where a source went away meanwhile (what
 * is staged by then is on its way out).
 */
export async function storeRuns(
  bytes: ObjectBytes,
  key: Uint8Array,
  runs: readonly PartRun[],
  manifest: string,
): Promise<Storage>;
export async function storeRuns(
  bytes: ObjectBytes,
  key: Uint8Array,
  runs: readonly PartRun[],
  manifest: string,
  source: ShareSource,
): Promise<Storage | undefined>;
export async function storeRuns(
  bytes: ObjectBytes,
  key: Uint8Array,
  runs: readonly PartRun[],
  manifest: string,
  source?: ShareSource,
): Promise<Storage | undefined> {
  if (isDirect(runs)) return { kind: "extents", runs };
  const id = utf8(manifest);
  let pages = 0;
  for (const page of cutPages(runs)) {
    if (!(await stagePage(bytes, key, id, pages, page, source))) {
      await abandonManifest(bytes, key, { kind: "paged", manifest: id, pages });
      if (source === undefined) throw objectFailure("CONFLICT");
      return undefined;
    }
    pages++;
  }
  return { kind: "paged", manifest: id, pages };
}

/** Pages that were staged for a row which will not come. */
export async function abandonManifest(bytes: ObjectBytes, key: Uint8Array, storage: Storage): Promise<void> {
  if (storage.kind === "paged") await bytes.store.commit(storageDrop(bytes, key, storage));
}

/** All runs, page by page where they are paged. */
export async function* readRuns(bytes: ObjectBytes, key: Uint8Array, storage: Storage): AsyncGenerator<PartRun> {
  for await (const { run } of readRunsFrom(bytes, key, storage, 0)) yield run;
}

/** The runs with where each begins, from the page on that holds the position. */
export async function* readRunsFrom(
  { store }: ObjectBytes,
  key: Uint8Array,
  storage: Storage,
  position: number,
): AsyncGenerator<{ readonly run: PartRun; readonly start: number }> {
  if (storage.kind === "extents") yield* placed(0, storage.runs);
  if (storage.kind !== "paged") return;
  for (let at = position === 0 ? 0 : await pageAt(store, key, storage, position); at < storage.pages; at++) {
    const { start, runs } = await readPage(store, key, storage.manifest, at);
    yield* placed(start, runs);
  }
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
    const number =
      this.#page === undefined ? await pageAt(this.#bytes.store, this.#key, this.#storage, this.#at) : this.#page + 1;
    this.#page = number;
    const page = await readPage(this.#bytes.store, this.#key, this.#storage.manifest, number);
    const refs = page.runs.flatMap((run) => run.refs);
    const pageEnd = page.start + refs.reduce((sum, ref) => sum + ref.length, 0);
    const end = Math.min(this.#end, pageEnd);
    this.#current = this.#bytes.blobs.read(refs, this.#at - page.start, end - page.start);
  }
}

function isDirect(runs: readonly PartRun[]): boolean {
  const refs = runs.reduce((sum, run) => sum + run.refs.length, 0);
  const ownerBytes = ownersOf(runs).reduce((sum, owner) => sum + owner.length, 0);
  return refs <= DIRECT_REFS_MAX && runs.length <= DIRECT_RUNS_MAX && ownerBytes <= DIRECT_OWNER_BYTES_MAX;
}

/** Again and again while the collector examines one of the needles. False where the needles may not be named. */
async function stagePage(
  { store, blobs }: ObjectBytes,
  key: Uint8Array,
  manifest: Uint8Array,
  number: number,
  page: ManifestPage,
  source: ShareSource | undefined,
): Promise<boolean> {
  const put = { ...pageRow(key, manifest, number), value: encodeManifestPage(page) };
  for (let tries = 0; tries < ATTEMPTS_MAX; tries++) {
    const checks = runChecks(blobs, key, page.runs);
    const shares = runShares(blobs, key, page.runs);
    if (shares === undefined) return false;
    const commit: Commit = { checks: source ? [...checks, source.check] : checks, puts: [put, ...shares] };
    if ((await store.commit(commit)).committed) return true;
    if (source !== undefined && !(await source.isThere())) return false;
  }
  return false;
}

function runChecks(blobs: Blobs, key: Uint8Array, runs: readonly PartRun[]): Check[] {
  return byOwner(runs).flatMap(({ owner = key, refs }) => blobs.referenceChecks(owner, refs));
}

function runShares(blobs: Blobs, key: Uint8Array, runs: readonly PartRun[]): Put[] | undefined {
  const puts: Put[] = [];
  for (const { owner, refs } of byOwner(runs)) {
    if (owner === undefined) continue;
    const shares = blobs.shareRows(owner, key, refs);
    if (shares === undefined) return undefined;
    puts.push(...shares);
  }
  return puts;
}

/** All refs of one owner in one list: an object may name a needle twice, a commit may not. */
function byOwner(
  runs: readonly PartRun[],
): readonly { readonly owner: Uint8Array | undefined; readonly refs: BlobRef[] }[] {
  const groups: { owner: Uint8Array | undefined; refs: BlobRef[] }[] = [];
  for (const { owner, refs } of runs) {
    const group = groups.find((other) =>
      owner === undefined ? other.owner === undefined : other.owner !== undefined && equalBytes(other.owner, owner),
    );
    if (group === undefined) groups.push({ owner, refs: [...refs] });
    else group.refs.push(...refs);
  }
  return groups;
}

function* placed(from: number, runs: readonly PartRun[]): Generator<{ readonly run: PartRun; readonly start: number }> {
  let start = from;
  for (const run of runs) {
    yield { run, start };
    start += run.refs.reduce((sum, ref) => sum + ref.length, 0);
  }
}

/** The last page that starts at or before the position. */
async function pageAt(
  store: Store,
  key: Uint8Array,
  { manifest, pages }: Storage & { kind: "paged" },
  position: number,
): Promise<number> {
  let low = 0;
  let high = pages - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    const page = await readPage(store, key, manifest, middle);
    if (page.start <= position) low = middle;
    else high = middle - 1;
  }
  return low;
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
