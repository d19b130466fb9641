import type { Blobs } from "../../blob/index.ts";
import type { Clock, Random } from "../../env/index.ts";
import { prefixEnd, text, utf8 } from "../../std/bytes.ts";
import { type Row, type Store, TABLES } from "../../store/index.ts";
import {
  type BucketRecord,
  bucketInfo,
  decodeBucketRecord,
  encodeBucketRecord,
  isBucketName,
} from "./bucket-record.ts";
import { objectFailure } from "./errors.ts";
import { bucketRow, documentRow, newBucketId, rowsOfBucket } from "./keys.ts";
import { type BucketDocument, type BucketInfo, type ListPage, OBJECT_LIMITS } from "./objects.ts";

const CACHE_MAX = 10_000;
const DOCUMENTS: readonly BucketDocument[] = ["policy", "cors", "tagging"];

export interface BucketsParts {
  readonly store: Store;
  readonly blobs: Pick<Blobs, "checkSpace">;
  readonly clock: Clock;
  readonly random: Random;
  /** Other nodes change the same Store: what they change is not known here. */
  readonly isShared?: boolean;
}

/**
 * Buckets and their documents, behind a cache that this node's own changes keep right. In a cluster a watch and a lease will; until
 * then documents are read anew there, and what nobody can change, a bucket's record, is kept.
 * Changes that writers must not miss (deletion, versioning) first stop new writes of the bucket and wait for those under way.
 */
export class Buckets {
  readonly #store: Store;
  readonly #blobs: Pick<Blobs, "checkSpace">;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #isShared: boolean;
  readonly #cache = new Map<string, Row & { record: BucketRecord }>();
  readonly #documents = new Map<string, Uint8Array | undefined>();
  readonly #gates = new Map<string, Gate>();

  readonly #endUploads: (bucketId: string) => Promise<void>;

  /** `endUploads` aborts what is under way in a bucket that is about to go. */
  constructor(parts: BucketsParts, endUploads: (bucketId: string) => Promise<void>) {
    const { store, blobs, clock, random, isShared = false } = parts;
    this.#store = store;
    this.#blobs = blobs;
    this.#clock = clock;
    this.#random = random;
    this.#isShared = isShared;
    this.#endUploads = endUploads;
  }

  async create(name: string, owner: string): Promise<BucketInfo> {
    if (!isBucketName(name)) throw objectFailure("BUCKET_NAME_INVALID", { data: { bucket: name } });
    const id = newBucketId(this.#random);
    const record: BucketRecord = { id, createdMillis: this.#clock.now(), owner, versioning: "off" };
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
    const row = this.#cache.get(name) ?? (await this.#read(name));
    if (row === undefined) throw objectFailure("BUCKET_MISSING", { data: { bucket: name } });
    return row.record;
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

  /** Runs a write while the bucket is open for writes; rejects with BUCKET_MISSING where it is not there or goes away. */
  async writing<T>(name: string, write: (record: BucketRecord) => Promise<T>): Promise<T> {
    let gate = this.#gates.get(name);
    while (gate?.closed) {
      await gate.closed;
      gate = this.#gates.get(name);
    }
    if (gate === undefined) this.#gates.set(name, (gate = new Gate()));
    gate.writers++;
    try {
      return await write(await this.get(name));
    } finally {
      gate.leave();
      if (gate.isIdle && this.#gates.get(name) === gate) this.#gates.delete(name);
    }
  }

  async delete(name: string): Promise<void> {
    this.#refuseIfShared(name);
    await this.#blobs.checkSpace("removal");
    await this.#exclusively(name, async () => {
      const row = await this.#required(name);
      if (!(await this.#isEmpty(row.record.id))) throw objectFailure("BUCKET_NOT_EMPTY", { data: { bucket: name } });
      await this.#endUploads(row.record.id);
      const deletes = [bucketRow(name), ...DOCUMENTS.map((document) => documentRow(row.record.id, document))];
      const result = await this.#store.commit({ checks: [{ ...bucketRow(name), revision: row.revision }], deletes });
      this.#forget(name, row.record.id);
      if (!result.committed) throw objectFailure("CONFLICT", { data: { bucket: name } });
    });
  }

  async setVersioning(name: string, versioning: "enabled" | "suspended"): Promise<void> {
    this.#refuseIfShared(name);
    await this.#blobs.checkSpace("addition");
    await this.#exclusively(name, async () => {
      const row = await this.#required(name);
      const puts = [{ ...bucketRow(name), value: encodeBucketRecord({ ...row.record, versioning }) }];
      const result = await this.#store.commit({ checks: [{ ...bucketRow(name), revision: row.revision }], puts });
      this.#forget(name, row.record.id);
      if (!result.committed) throw objectFailure("CONFLICT", { data: { bucket: name } });
    });
  }

  async getDocument(name: string, document: BucketDocument): Promise<Uint8Array | undefined> {
    const { id } = await this.get(name);
    const cacheKey = `${id}/${document}`;
    if (this.#documents.has(cacheKey)) return this.#documents.get(cacheKey);
    const { row } = await this.#store.get(documentRow(id, document));
    if (this.#documents.size >= CACHE_MAX) this.#documents.clear();
    if (!this.#isShared) this.#documents.set(cacheKey, row?.value);
    return row?.value;
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

  async #required(name: string): Promise<Row & { record: BucketRecord }> {
    const row = await this.#read(name);
    if (row === undefined) throw objectFailure("BUCKET_MISSING", { data: { bucket: name } });
    return row;
  }

  /** Its writers on other nodes would not hear of it. */
  #refuseIfShared(bucket: string): void {
    if (this.#isShared) throw objectFailure("NOT_IN_CLUSTER", { data: { bucket } });
  }

  async #read(name: string): Promise<(Row & { record: BucketRecord }) | undefined> {
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
