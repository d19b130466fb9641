import type { Blobs } from "../../blob/index.ts";
import type { Clock, Random, Timers } from "../../env/index.ts";
import { prefixEnd, text, utf8 } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { type Check, type Row, type Store, TABLES } from "../../store/index.ts";
import { BucketFences } from "./bucket-fences.ts";
import {
  type BucketRecord,
  bucketInfo,
  decodeBucketRecord,
  encodeBucketRecord,
  isBucketName,
} from "./bucket-record.ts";
import { objectFailure } from "./errors.ts";
import { bucketRow, documentRow, newBucketId, objectKey, rowsOfBucket } from "./keys.ts";
import { type BucketDocument, type BucketInfo, type ListPage, OBJECT_LIMITS, type ObjectName } from "./objects.ts";
import { NO_OBJECT_BUGS, type ObjectBugs } from "./seeded-bugs.ts";

const CACHE_MAX = 10_000;
const DOCUMENTS: readonly BucketDocument[] = ["policy", "cors", "tagging"];

export interface BucketsParts {
  readonly store: Store;
  readonly blobs: Pick<Blobs, "checkSpace">;
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: Timers;
  /** Other nodes change the same Store: what they change is not known here. */
  readonly isShared?: boolean;
  readonly bugs?: ObjectBugs;
}

type BucketRow = Row & { readonly record: BucketRecord };

/** As it was read last; without a revision where there was none. */
interface KnownDocument {
  readonly revision: number | undefined;
  readonly value: Uint8Array | undefined;
}

/** Where a write is under way: a bucket, and a key in it. */
export interface WritableBucket extends BucketRecord {
  /** Of the object, as in the Store. */
  readonly key: Uint8Array;
  /** Where other nodes may change the bucket meanwhile: that they have not. Each commit of the write checks it. */
  readonly fence: Check | undefined;
}

const CLOSING_POLL_MILLIS = 100;
/** A node that is still deleting a bucket by then is taken to be gone. */
const CLOSING_POLLS_MAX = 50;

/**
 * Buckets and their documents, behind a cache that this node's own changes keep right; where other nodes change the same
 * Store it only says what is likely, and everything is read anew.
 *
 * Writers must not miss a deletion or a change of versioning. Those on this node are stopped and waited for. Those on other
 * nodes find the bucket's row changed when they commit, or what stands for it; the row is marked as closing first, so that
 * from then on nothing comes into a bucket that is found to be empty, and nothing by the rules of before.
 */
export class Buckets {
  readonly #store: Store;
  readonly #blobs: Pick<Blobs, "checkSpace">;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #timers: Timers;
  readonly #isShared: boolean;
  readonly #bugs: ObjectBugs;
  readonly #cache = new Map<string, BucketRow>();
  readonly #documents = new Map<string, KnownDocument>();
  readonly #gates = new Map<string, Gate>();
  readonly #fences: BucketFences;

  readonly #endUploads: (bucketId: string) => Promise<void>;

  /** `endUploads` aborts what is under way in a bucket that is about to go. */
  constructor(parts: BucketsParts, endUploads: (bucketId: string) => Promise<void>) {
    const { store, blobs, clock, random, timers, isShared = false, bugs = NO_OBJECT_BUGS } = parts;
    this.#store = store;
    this.#fences = new BucketFences(store);
    this.#blobs = blobs;
    this.#clock = clock;
    this.#random = random;
    this.#timers = timers;
    this.#isShared = isShared;
    this.#bugs = bugs;
    this.#endUploads = endUploads;
  }

  async create(name: string, owner: string): Promise<BucketInfo> {
    if (!isBucketName(name)) throw objectFailure("BUCKET_NAME_INVALID", { data: { bucket: name } });
    const id = newBucketId(this.#random);
    const record: BucketRecord = { id, createdMillis: this.#clock.now(), owner, versioning: "off", isClosing: false };
    const address = bucketRow(name);
    const puts = [{ ...address, value: encodeBucketRecord(record) }];
    // One that is there needs no space: the answer tells so, and a start that asks for it goes on.
    if ((await this.#read(name)) === undefined) await this.#blobs.checkSpace("addition");
    const result = await this.#store.commit({ checks: [{ ...address, absent: true }], puts });
    if (result.committed) return bucketInfo(name, record);
    const existing = await this.#read(name);
    const code = existing?.record.owner === owner ? "BUCKET_OWNED_BY_YOU" : "BUCKET_EXISTS";
    throw objectFailure(code, { data: { bucket: name } });
  }

  /** The bucket's record; rejects with BUCKET_MISSING. */
  async get(name: string): Promise<BucketRecord> {
    const known = this.#isShared ? undefined : this.#cache.get(name);
    return (known ?? (await this.#required(name))).record;
  }

  /**
   * What `read` finds in the bucket of that id; rejects with BUCKET_MISSING. Where other nodes change the same Store, the
   * bucket that was here last is read in while it is asked whether it still is the one: both then wait for the same
   * confirmation of the leader. `read` has no effects and leaves nothing open: what it found in another bucket is dropped.
   */
  async reading<T>(name: string, read: (bucketId: string) => Promise<T>): Promise<T> {
    const guess = this.#isShared ? this.#cache.get(name)?.record.id : undefined;
    if (guess === undefined) return read((await this.get(name)).id);
    const early = read(guess);
    early.catch(() => {});
    const { id } = (await this.#required(name)).record;
    return id === guess ? early : read(id);
  }

  async info(name: string): Promise<BucketInfo> {
    return bucketInfo(name, await this.get(name));
  }

  async list(request: { prefix?: string; after?: string; limit: number }): Promise<ListPage<BucketInfo>> {
    const prefix = utf8(request.prefix ?? "");
    const to = prefixEnd(prefix);
    const page = await this.#store.scan(
      TABLES.bucket,
      {
        from: { key: prefix },
        ...(request.after !== undefined && { after: { key: utf8(request.after) } }),
        ...(to && { to: { key: to } }),
      },
      { limit: request.limit },
    );
    const items = page.rows.map((row) => bucketInfo(text(row.key), decodeBucketRecord(row.value)));
    return { items, commonPrefixes: [], next: page.more ? items.at(-1)?.name : undefined };
  }

  /**
   * Runs a write of an object's rows while the bucket is open for writes; rejects with BUCKET_MISSING where it is not there
   * or goes away, with KEY_INVALID or KEY_TOO_LONG.
   */
  async writing<T>(
    { bucket: name, key }: Pick<ObjectName, "bucket" | "key">,
    write: (bucket: WritableBucket) => Promise<T>,
  ): Promise<T> {
    let gate = this.#gates.get(name);
    while (gate?.closed) {
      await gate.closed;
      gate = this.#gates.get(name);
    }
    if (gate === undefined) this.#gates.set(name, (gate = new Gate()));
    gate.writers++;
    try {
      if (this.#isShared) return await this.#writingFenced(name, key, write);
      const bucket = await this.get(name);
      return await write({ ...bucket, key: objectKey(bucket.id, key), fence: undefined });
    } finally {
      gate.leave();
      if (gate.isIdle && this.#gates.get(name) === gate) this.#gates.delete(name);
    }
  }

  async delete(name: string): Promise<void> {
    await this.#blobs.checkSpace("removal");
    await this.#exclusively(name, async () => {
      const found = await this.#required(name);
      if (!(await this.#isEmpty(found.record.id))) throw objectFailure("BUCKET_NOT_EMPTY", { data: { bucket: name } });
      const row = this.#isShared ? await this.#closeEmpty(name, found) : found;
      await this.#endUploads(row.record.id);
      const deletes = [bucketRow(name), ...DOCUMENTS.map((document) => documentRow(row.record.id, document))];
      const result = await this.#store.commit({ checks: [{ ...bucketRow(name), revision: row.revision }], deletes });
      this.#forget(name, row.record.id);
      if (!result.committed) throw objectFailure("CONFLICT", { data: { bucket: name } });
    });
  }

  async setVersioning(name: string, versioning: "enabled" | "suspended"): Promise<void> {
    await this.#blobs.checkSpace("addition");
    await this.#exclusively(name, async () => {
      const row = this.#isShared ? await this.#close(name, await this.#opened(name)) : await this.#required(name);
      await this.#rewrite(name, row, { versioning, isClosing: false });
    });
  }

  async getDocument(name: string, document: BucketDocument): Promise<Uint8Array | undefined> {
    return this.reading(name, async (id) => {
      const cacheKey = `${id}/${document}`;
      const known = this.#documents.get(cacheKey);
      if (known !== undefined && !this.#isShared) return known.value;
      const { row } = await this.#store.get(documentRow(id, document));
      // The same bytes again, so that what was made of them need not be made again.
      if (known !== undefined && known.revision === row?.revision) return known.value;
      if (this.#documents.size >= CACHE_MAX) this.#documents.clear();
      this.#documents.set(cacheKey, { revision: row?.revision, value: row?.value });
      return row?.value;
    });
  }

  async putDocument(name: string, document: BucketDocument, content: Uint8Array): Promise<void> {
    const { documentBytesMax } = OBJECT_LIMITS;
    if (content.length > documentBytesMax)
      throw objectFailure("DOCUMENT_TOO_LARGE", { data: { bytes: content.length } });
    await this.#changeDocument(name, document, content);
  }

  async deleteDocument(name: string, document: BucketDocument): Promise<void> {
    await this.#changeDocument(name, document, undefined);
  }

  async #changeDocument(name: string, document: BucketDocument, content: Uint8Array | undefined): Promise<void> {
    await this.#blobs.checkSpace(content === undefined ? "removal" : "addition");
    const row = await this.#required(name);
    const address = documentRow(row.record.id, document);
    const result = await this.#store.commit({
      checks: [{ ...bucketRow(name), revision: row.revision }],
      ...(content === undefined ? { deletes: [address] } : { puts: [{ ...address, value: content }] }),
    });
    this.#documents.delete(`${row.record.id}/${document}`);
    if (!result.committed) throw objectFailure("CONFLICT", { data: { bucket: name } });
  }

  async #exclusively(name: string, change: () => Promise<void>): Promise<void> {
    let gate = this.#gates.get(name);
    while (gate?.closed) {
      await gate.closed;
      gate = this.#gates.get(name);
    }
    if (gate === undefined) this.#gates.set(name, (gate = new Gate()));
    const open = gate.close();
    try {
      await gate.drained();
      await change();
    } finally {
      this.#gates.delete(name);
      open();
    }
  }

  async #isEmpty(id: string): Promise<boolean> {
    for (const table of [TABLES.object, TABLES.version]) {
      const page = await this.#store.scan(table, rowsOfBucket(id), { limit: 1 });
      if (page.rows.length > 0) return false;
    }
    return true;
  }

  async #required(name: string): Promise<BucketRow> {
    const row = await this.#read(name);
    if (row === undefined)
      throw objectFailure("BUCKET_MISSING", { what: `There is no bucket ${name}.`, data: { bucket: name } });
    return row;
  }

  async #writingFenced<T>(name: string, objectName: string, write: (bucket: WritableBucket) => Promise<T>): Promise<T> {
    const { record, revision } = await this.#opened(name);
    const key = objectKey(record.id, objectName);
    try {
      const isUnfenced = this.#bugs.has("write-without-fence");
      const fence = isUnfenced ? undefined : await this.#fences.of({ name, id: record.id, revision }, key);
      return await write({ ...record, key, fence });
    } catch (error) {
      if (hasCode(error, "CONFLICT")) {
        this.#fences.forget();
        // Gone since: that says more than that something was changed.
        await this.#required(name);
      }
      throw error;
    }
  }

  /** The bucket once nobody is deleting it. Who began to and did not end it in time is overruled. */
  async #opened(name: string): Promise<BucketRow> {
    let row = await this.#required(name);
    for (let polls = 0; row.record.isClosing; polls++) {
      if (polls === CLOSING_POLLS_MAX) await this.#rewrite(name, row, { isClosing: false }).catch(unlessChanged);
      else await new Promise<void>((resolve) => void this.#timers.after(CLOSING_POLL_MILLIS, resolve));
      const now = await this.#required(name);
      if (now.revision !== row.revision) polls = 0;
      row = now;
    }
    return row;
  }

  /** From here on no commit of another node's writers goes through; what did before is seen. */
  async #close(name: string, found: BucketRow): Promise<BucketRow> {
    const closing = await this.#rewrite(name, found, { isClosing: true });
    await this.#fences.remove(found.record.id);
    return closing;
  }

  async #closeEmpty(name: string, found: BucketRow): Promise<BucketRow> {
    const closing = await this.#close(name, found);
    if (await this.#isEmpty(found.record.id)) return closing;
    await this.#rewrite(name, closing, { isClosing: false });
    throw objectFailure("BUCKET_NOT_EMPTY", { data: { bucket: name } });
  }

  /** Rejects with CONFLICT where somebody else has changed it. */
  async #rewrite(name: string, row: BucketRow, changes: Partial<BucketRecord>): Promise<BucketRow> {
    const record = { ...row.record, ...changes };
    const address = bucketRow(name);
    const puts = [{ ...address, value: encodeBucketRecord(record) }];
    const result = await this.#store.commit({ checks: [{ ...address, revision: row.revision }], puts });
    this.#forget(name, record.id);
    if (!result.committed) throw objectFailure("CONFLICT", { data: { bucket: name } });
    return { ...row, record, revision: result.revision };
  }

  async #read(name: string): Promise<BucketRow | undefined> {
    const { row } = await this.#store.get(bucketRow(name));
    if (row === undefined) return undefined;
    const known = { ...row, record: decodeBucketRecord(row.value) };
    if (this.#cache.size >= CACHE_MAX) this.#cache.clear();
    this.#cache.set(name, known);
    return known;
  }

  #forget(name: string, id: string): void {
    this.#cache.delete(name);
    for (const document of DOCUMENTS) this.#documents.delete(`${id}/${document}`);
  }
}

/** Writers pass while it is open; the one who closes it waits until they have left. */
class Gate {
  writers = 0;
  closed: Promise<void> | undefined;
  #drained: (() => void) | undefined;

  get isIdle(): boolean {
    return this.writers === 0 && this.closed === undefined;
  }

  leave(): void {
    this.writers--;
    if (this.writers === 0) this.#drained?.();
  }

  close(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    return resolve;
  }

  async drained(): Promise<void> {
    if (this.writers > 0) await new Promise<void>((resolve) => (this.#drained = resolve));
  }
}

/** Somebody else was faster: what he made of it is looked at next. */
function unlessChanged(error: unknown): void {
  if (!hasCode(error, "CONFLICT")) throw error;
}
