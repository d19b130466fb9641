// A page of rows, read in chunks of one revision: etcd limits an answer by rows only, and a row may hold a quarter of a
// megabyte, so the chunks are sized by what was seen.

import { type EtcdClient, type KeyValue, type RangeResponse, SORT } from "../../drivers/etcd/index.ts";
import { hasCode } from "../../std/errors.ts";
import { unlessAborted } from "../aborts.ts";
import { asStoreFailure } from "../engine/failures.ts";
import { storeFailure } from "../errors.ts";
import { decodeAddress, encodeRange, successor } from "../key-codec.ts";
import { asRow } from "../row-codec.ts";
import { type Row, type RowAddress, type ScanOptions, type ScanRange, STORE_LIMITS, type Table } from "../store.ts";
import type { EtcdKeys } from "./keys.ts";

export interface EtcdScan {
  readonly client: EtcdClient;
  readonly keys: EtcdKeys;
  /** The first chunk's read, which settles the revision of the page. */
  readonly first: (read: (serializable: boolean) => Promise<RangeResponse>) => Promise<RangeResponse>;
}

interface Page {
  readonly rows: Row[];
  readonly more: boolean;
  readonly revision: number;
}

const CHUNK_ROWS_FIRST = 64;
const CHUNK_BYTES = 1_048_576;
/** Of pages whose revision was compacted while they were read. */
const ATTEMPTS_MAX = 5;

export async function scanEtcd(scan: EtcdScan, table: Table, range: ScanRange, options: ScanOptions): Promise<Page> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await readPage(scan, table, range, options);
    } catch (error) {
      if (!hasCode(error, "COMPACTED")) throw error;
      if (attempt < ATTEMPTS_MAX) continue;
      throw storeFailure("OVERLOADED", {
        what: "etcd dropped the revision of a page while it was read, again and again.",
        advice: "Let etcd keep more history: --auto-compaction-retention of some minutes.",
        cause: error,
      });
    }
  }
}

async function readPage(scan: EtcdScan, table: Table, range: ScanRange, options: ScanOptions): Promise<Page> {
  const { client, keys, first } = scan;
  const { limit, reverse = false, signal } = options;
  let { from, to } = keys.range(encodeRange(table, range));
  const rows: Row[] = [];
  let bytes = 0;
  let revision = 0;
  for (let chunkRows = CHUNK_ROWS_FIRST; ; ) {
    signal?.throwIfAborted();
    const asked = Math.min(chunkRows, limit + 1 - rows.length);
    const order = reverse ? SORT.descend : SORT.none;
    const request = { key: from, rangeEnd: to, limit: asked, sortOrder: order };
    const chunk =
      revision === 0
        ? await first((serializable) => client.range({ ...request, serializable }, signal))
        : await unlessAborted(asStoreFailure(client.range({ ...request, revision }, signal)), signal);
    if (revision === 0) revision = chunk.header.revision;
    for (const found of chunk.kvs) {
      const rowBytes = found.key.length - keys.prefix.length + found.value.length;
      const isFull = rows.length === limit || (rows.length > 0 && bytes + rowBytes > STORE_LIMITS.scanBytesMax);
      if (isFull) return { rows, more: true, revision };
      rows.push(rowOf(decodeAddress(new Uint8Array(keys.encodedIn(found.key))), found));
      bytes += rowBytes;
    }
    if (chunk.kvs.length < asked) return { rows, more: false, revision };
    const last = new Uint8Array(chunk.kvs.at(-1)!.key);
    if (reverse) to = last;
    else from = successor(last);
    chunkRows = Math.max(1, Math.floor((CHUNK_BYTES * rows.length) / bytes));
  }
}

/** The driver's bytes are a part of a whole answer: what callers get is a copy, which they may keep. */
export function rowOf(address: Required<RowAddress>, { value, modRevision: revision, lease }: KeyValue): Row {
  return asRow(address, { value: new Uint8Array(value), revision, lease });
}
