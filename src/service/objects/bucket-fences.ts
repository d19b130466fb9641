// What a write of another node checks in its commit, so that it comes to nothing where its bucket was changed meanwhile.
//
// Where the bucket's row and the object's rows are in one range of the Store, that is the bucket's row itself. Elsewhere
// a check of it would make every write one over two ranges: there, a row in the object's own range stands for it. It says
// at which revision the bucket's row was when it was made, and is made while that revision is checked; whoever changes
// the bucket closes it first and then removes all such rows. So one that is there is true, wherever ranges were cut since.

import { compareBytes, equalBytes, toHex, utf8 } from "../../std/bytes.ts";
import { ByteReader } from "../../std/reader.ts";
import { ByteWriter } from "../../std/writer.ts";
import { type Check, type Row, type RowAddress, type Store, TABLES } from "../../store/index.ts";
import { objectFailure } from "./errors.ts";
import { bucketRow, rowsOfBucket } from "./keys.ts";

export interface FencedBucket {
  readonly name: string;
  readonly id: string;
  /** Of the bucket's row. */
  readonly revision: number;
}

const CACHE_MAX = 10_000;
const ATTEMPTS_MAX = 100;
const PAGE_ROWS = 100;

export class BucketFences {
  readonly #store: Store;
  /** Rows that stand for a bucket's, by bucket id and the place of the row. What is no longer true fails its check. */
  readonly #known = new Map<string, { readonly bucketRevision: number; readonly check: Check }>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** What a write of the key checks. Rejects with CONFLICT where the bucket is not at that revision any more. */
  async of(bucket: FencedBucket, key: Uint8Array): Promise<Check> {
    const own: Check = { ...bucketRow(bucket.name), revision: bucket.revision };
    const start = this.#store.rangeStart?.(key);
    if (start === undefined || equalBytes(start, this.#store.rangeStart!(own.key))) return own;
    const first = utf8(bucket.id);
    const place = compareBytes(start, first) > 0 ? start : first;
    const cacheKey = `${bucket.id}/${toHex(place)}`;
    const known = this.#known.get(cacheKey);
    if (known?.bucketRevision === bucket.revision) return known.check;
    const check = await this.#stand(own, bucket.revision, { table: TABLES.bucketFence, key: place });
    if (this.#known.size >= CACHE_MAX) this.#known.clear();
    this.#known.set(cacheKey, { bucketRevision: bucket.revision, check });
    return check;
  }

  /** A write found its fence changed: none is trusted any more. */
  forget(): void {
    this.#known.clear();
  }

  /** Of a bucket that is closed: from here on no write goes through that began before. */
  async remove(bucketId: string): Promise<void> {
    if (this.#store.rangeStart === undefined) return;
    for (;;) {
      const { rows, more } = await this.#store.scan(TABLES.bucketFence, rowsOfBucket(bucketId), { limit: PAGE_ROWS });
      for (const row of rows) await this.#store.commit({ deletes: [row] });
      if (!more) return;
    }
  }

  async #stand(own: Check, bucketRevision: number, address: RowAddress): Promise<Check> {
    for (let tries = 0; tries < ATTEMPTS_MAX; tries++) {
      const { row } = await this.#store.get(address);
      if (row !== undefined && bucketRevisionOf(row) === bucketRevision) return { ...address, revision: row.revision };
      const here: Check = row === undefined ? { ...address, absent: true } : { ...address, revision: row.revision };
      const puts = [{ ...address, value: new ByteWriter(16).u8(FORMAT).varint(bucketRevision).finish() }];
      const result = await this.#store.commit({ checks: [own, here], puts });
      if (result.committed) return { ...address, revision: result.revision };
      if (result.failedChecks.includes(0)) break;
    }
    throw objectFailure("CONFLICT");
  }
}

const FORMAT = 1;

function bucketRevisionOf(row: Row): number {
  const reader = new ByteReader(row.value);
  reader.u8();
  return reader.varint();
}
