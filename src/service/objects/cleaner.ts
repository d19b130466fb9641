import type { Blobs } from "../../blob/index.ts";
import type { Clock, Timer, Timers } from "../../env/index.ts";
import { strictText, toHex } from "../../std/bytes.ts";
import { type Commit, type RowAddress, type RowKey, type Store, TABLES } from "../../store/index.ts";
import type { Cleaner } from "./context.ts";
import { isManifestTombstone, manifestOf, rowsOfUpload, timeOfId } from "./keys.ts";
import { namedManifests, namedRefs } from "./named.ts";
import { decodePartRecord, decodeUploadRecord } from "./record.ts";
import { dismantleManifest, refsOf } from "./storage.ts";
import { Change } from "./versions.ts";

export interface CleanerOptions {
  /** A read that began before its object was let go of may take this long; then it breaks off. */
  readonly readersGraceMillis: number;
  /** A completed upload answers a repeated completion for this long. */
  readonly completedKeepMillis: number;
  /** Pages that no row names may belong to a request that is under way: they are left alone for this long. */
  readonly orphanAgeMillis: number;
  readonly sweepEveryMillis: number;
  /** Tombstones that wait in memory; the next sweep finds those that did not fit. */
  readonly waitingMax: number;
}

export const CLEANER_DEFAULTS: CleanerOptions = {
  readersGraceMillis: 600_000,
  completedKeepMillis: 600_000,
  orphanAgeMillis: 86_400_000,
  sweepEveryMillis: 3_600_000,
  waitingMax: 10_000,
};

const SWEEP_ROWS = 200;

interface Waiting {
  readonly address: RowAddress;
  readonly dueMillis: number;
}

/**
 * Takes apart what commits leave behind, one small commit at a time: parts of ended uploads and pages of manifests that nobody names.
 * A sweep finds all of it again after a restart, so what waits in memory may be lost.
 */
export class TombstoneCleaner implements Cleaner, AsyncDisposable {
  readonly #store: Store;
  readonly #blobs: Blobs;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #options: CleanerOptions;
  readonly #onError: (error: unknown) => void;
  readonly #waiting: Waiting[] = [];
  /** Monotonic time at which a completed upload's tombstone was first seen. */
  readonly #completedSince = new Map<string, number>();
  #work: Promise<void> = Promise.resolve();
  #timer: Timer | undefined;
  #nextSweepMillis = 0;
  #stopped = false;

  constructor(
    parts: { readonly store: Store; readonly blobs: Blobs; readonly clock: Clock; readonly timers: Timers },
    onError: (error: unknown) => void,
    options: Partial<CleanerOptions> = {},
  ) {
    this.#store = parts.store;
    this.#blobs = parts.blobs;
    this.#clock = parts.clock;
    this.#timers = parts.timers;
    this.#options = { ...CLEANER_DEFAULTS, ...options };
    this.#onError = onError;
  }

  /** Sweeps once, then whenever it is due. */
  start(): void {
    this.#schedule();
  }

  notice(commit: Commit): void {
    for (const put of commit.puts ?? []) {
      const isUpload = put.table === TABLES.upload && decodeUploadRecord(put.value).state !== "open";
      if (!isUpload && !isManifestTombstone(put)) continue;
      if (this.#waiting.length >= this.#options.waitingMax) return;
      const delay = isUpload ? 0 : this.#options.readersGraceMillis;
      this.#waiting.push({ address: put, dueMillis: this.#clock.monotonic() + delay });
      this.#schedule();
    }
  }

  /** Cleans all that is due, then everything that a look through the tables finds. */
  async sweep(): Promise<void> {
    await this.#sweepTable(TABLES.upload, async (address) => this.#cleanUpload(address));
    await this.#sweepTable(TABLES.manifest, async (address) => {
      if (isManifestTombstone(address)) await dismantleManifest(this.#parts, address.key, manifestOf(address));
      else await this.#cleanOrphan(address);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#work;
  }

  get #parts() {
    return { store: this.#store, blobs: this.#blobs };
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#timer?.cancel();
    const next = Math.min(this.#nextSweepMillis, ...this.#waiting.map(({ dueMillis }) => dueMillis));
    this.#timer = this.#timers.after(Math.max(0, next - this.#clock.monotonic()), () => {
      this.#work = this.#work.then(() => this.#runDue()).then(() => this.#schedule());
    });
  }

  async #runDue(): Promise<void> {
    if (this.#stopped) return;
    const now = this.#clock.monotonic();
    const due = this.#waiting.filter(({ dueMillis }) => dueMillis <= now);
    this.#waiting.splice(0, this.#waiting.length, ...this.#waiting.filter(({ dueMillis }) => dueMillis > now));
    try {
      for (const { address } of due) {
        if (this.#stopped) return;
        if (address.table === TABLES.upload) await this.#cleanUpload(address);
        else await dismantleManifest(this.#parts, address.key, manifestOf(address));
      }
      if (now < this.#nextSweepMillis) return;
      this.#nextSweepMillis = now + this.#options.sweepEveryMillis;
      await this.sweep();
    } catch (error) {
      this.#onError(error);
    }
  }

  async #sweepTable(table: number, clean: (address: RowAddress) => Promise<void>): Promise<void> {
    let after: RowKey | undefined;
    for (;;) {
      const { rows, more } = await this.#store.scan(table, after === undefined ? {} : { after }, { limit: SWEEP_ROWS });
      for (const row of rows) {
        if (this.#stopped) return;
        await clean(row);
      }
      after = rows.at(-1);
      if (!more || after === undefined) return;
    }
  }

  /** Deletes the parts of an ended upload and lets go of what the object did not take over; then its tombstone. */
  async #cleanUpload(address: RowAddress): Promise<void> {
    const { row } = await this.#store.get(address);
    if (row === undefined) return;
    const { state } = decodeUploadRecord(row.value);
    if (state === "open") return;
    await this.#cleanParts(row.key, strictText(row.suffix)!);
    if (state === "completed" && !this.#keptLongEnough(row.suffix)) return;
    const { committed } = await this.#store.commit({ checks: [{ ...row }], deletes: [row] });
    if (committed) this.#completedSince.delete(toHex(row.suffix));
  }

  #keptLongEnough(suffix: Uint8Array): boolean {
    const now = this.#clock.monotonic();
    const id = toHex(suffix);
    const since = this.#completedSince.get(id);
    if (since !== undefined) return now - since >= this.#options.completedKeepMillis;
    if (this.#completedSince.size < this.#options.waitingMax) this.#completedSince.set(id, now);
    return false;
  }

  async #cleanParts(key: Uint8Array, uploadId: string): Promise<void> {
    const { rows: firstRows } = await this.#store.scan(TABLES.part, rowsOfUpload(key, uploadId), { limit: 1 });
    if (firstRows.length === 0) return;
    const named = await namedRefs(this.#store, key);
    for (;;) {
      const { rows } = await this.#store.scan(TABLES.part, rowsOfUpload(key, uploadId), { limit: SWEEP_ROWS });
      if (rows.length === 0) return;
      for (const row of rows) {
        const { storage } = decodePartRecord(row.value);
        const unnamed = refsOf(storage).filter((ref) => !named.has(ref));
        const change = new Change(this.#parts, key).expect(row, row).delete(row);
        if (storage.kind === "paged") change.drop(storage);
        change.puts.push(...this.#blobs.dropRows(key, unnamed));
        const commit = change.commit();
        if ((await this.#store.commit(commit)).committed) this.notice(commit);
      }
    }
  }

  /** A page whose manifest no row names, and old enough that no request can be about to: its writer died. */
  async #cleanOrphan(address: RowAddress): Promise<void> {
    const manifest = manifestOf(address);
    const age = this.#clock.now() - timeOfId(strictText(manifest)!);
    if (age < this.#options.orphanAgeMillis) return;
    if ((await namedManifests(this.#store, address.key)).has(toHex(manifest))) return;
    await dismantleManifest(this.#parts, address.key, manifest);
  }
}
