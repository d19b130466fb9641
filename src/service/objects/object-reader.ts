import { type ByteSource, begun, sourceOf } from "../../std/source.ts";
import type { Row, RowAddress } from "../../store/index.ts";
import type { Buckets } from "./buckets.ts";
import { checkReadConditions } from "./conditions.ts";
import type { Context } from "./context.ts";
import { objectFailure } from "./errors.ts";
import { bodyRow, isVersionId, objectKey, objectRow, versionRow } from "./keys.ts";
import type {
  GetRequest,
  ListPage,
  ObjectInfo,
  ObjectName,
  ObjectRead,
  PartInfo,
  RangeRequest,
  Tags,
} from "./objects.ts";
import { decodeObjectRecord, type ObjectDescription, type ObjectRecord, type PartRun, type Storage } from "./record.ts";
import { openStorage, readRuns } from "./storage.ts";
import { isNull, type KeyState, newestVersions, readKeyState } from "./versions.ts";

const NO_SUFFIX = new Uint8Array(0);
const ATTEMPTS_MAX = 100;

export interface Located {
  readonly record: ObjectRecord;
  readonly address: RowAddress;
  readonly row: Row;
}

/** An object and the way to its bytes, read at one moment. */
export interface Opened {
  readonly key: Uint8Array;
  readonly info: ObjectInfo;
  readonly tags: Tags;
  readonly storage: Storage;
  /** The row that says all this. */
  readonly row: Row;
  body(start: number, end: number): ByteSource;
}

/**
 * Reads of objects. They never block a writer and see each object as one commit left it: rows of one key that one call reads are of
 * one moment, for they share a range.
 */
export class ObjectReader {
  readonly #context: Context;
  readonly #buckets: Buckets;

  constructor(context: Context, buckets: Buckets) {
    this.#context = context;
    this.#buckets = buckets;
  }

  async get(request: GetRequest): Promise<ObjectRead> {
    const opened = await this.open(request);
    checkReadConditions(request.conditions, opened.info);
    const { start, end } = await this.#rangeOf(opened, request.range);
    // What fails at once is refused with its reason: behind the head of a reply it could only break off.
    return { info: opened.info, start, end, body: await begun(opened.body(start, end)) };
  }

  async stat(request: GetRequest): Promise<ObjectRead> {
    const opened = await this.open(request);
    checkReadConditions(request.conditions, opened.info);
    return { info: opened.info, ...(await this.#rangeOf(opened, request.range)) };
  }

  /** Rejects with OBJECT_MISSING, VERSION_MISSING or IS_DELETE_MARKER. */
  open(name: ObjectName): Promise<Opened> {
    return this.#buckets.reading(name.bucket, (id) => this.#openIn(id, name));
  }

  async #openIn(bucketId: string, name: ObjectName): Promise<Opened> {
    const key = objectKey(bucketId, name.key);
    for (let tries = 0; tries < ATTEMPTS_MAX; tries++) {
      const { record, row, address, body } = await this.#readRows(key, name.versionId);
      const storage = record.storage!;
      const info = objectInfo(name.key, record);
      const { tags } = record;
      if (storage.kind !== "inline") {
        const open = (start: number, end: number) => openStorage(this.#context, key, storage, start, end);
        return { key, info, tags, storage, row, body: open };
      }
      const inline = body ?? (await this.#bodyOf(row, address, bodyRow(key, storage.bodySuffix)));
      if (inline !== undefined) {
        return { key, info, tags, storage, row, body: (start, end) => sourceOf(inline.value.subarray(start, end)) };
      }
      // It was deleted or overwritten between the two reads: look again.
    }
    throw objectFailure("CONFLICT");
  }

  /** The record of a version for a change of it, in a state that was read for it; rejects as `open`. */
  async locate(state: KeyState, versionId: string | undefined): Promise<Located> {
    const { key, current, currentRow, olderRow: row } = state;
    const isCurrent =
      versionId === undefined ||
      (current !== undefined && (versionId === "null" ? isNull(current) : current.versionId === versionId));
    if (isCurrent) {
      if (current === undefined) throw await this.#missing(state);
      return { record: current, address: objectRow(key), row: currentRow! };
    }
    if (!isVersionId(versionId)) throw objectFailure("VERSION_ID_INVALID", { data: { versionId } });
    if (row === undefined) throw objectFailure("VERSION_MISSING", { data: { versionId } });
    const record = decodeObjectRecord(row.value);
    if (record.deleteMarker) {
      const { lastModifiedMillis } = record;
      throw objectFailure("IS_DELETE_MARKER", { data: { versionId, lastModifiedMillis } });
    }
    return { record, address: versionRow(key, row.suffix), row };
  }

  getTags(name: ObjectName): Promise<{ readonly tags: Tags; readonly versionId: string | undefined }> {
    return this.#buckets.reading(name.bucket, async (id) => {
      const state = await readKeyState(this.#context.store, objectKey(id, name.key), name.versionId);
      const { record } = await this.locate(state, name.versionId);
      return { tags: record.tags, versionId: record.versionId };
    });
  }

  async objectParts(name: ObjectName, after: number, limit: number): Promise<ListPage<PartInfo>> {
    const { key, info, storage } = await this.open(name);
    const items: PartInfo[] = [];
    if (info.partCount === undefined) return { items, commonPrefixes: [], next: undefined };
    for await (const run of readRuns(this.#context, key, storage)) {
      if (run.partNumber <= after || run.partOffset > 0) continue;
      if (items.length === limit) return { items, commonPrefixes: [], next: String(items.at(-1)!.partNumber) };
      items.push(partInfo(run, info.lastModifiedMillis));
    }
    return { items, commonPrefixes: [], next: undefined };
  }

  /** The object row, and beside it the body row that an object without versions has, in one consistent read. */
  async #readRows(key: Uint8Array, versionId: string | undefined): Promise<Located & { body: Row | undefined }> {
    const { store } = this.#context;
    if (versionId === undefined) {
      const [row, body] = await store.getMany([objectRow(key), bodyRow(key, NO_SUFFIX)]);
      if (row !== undefined) {
        const record = decodeObjectRecord(row.value);
        const isBeside = record.storage?.kind === "inline" && record.storage.bodySuffix.length === 0;
        return { record, row, address: objectRow(key), body: isBeside ? body : undefined };
      }
    }
    return { ...(await this.locate(await readKeyState(store, key, versionId), versionId)), body: undefined };
  }

  /** Undefined where the record is not what it was any more: the body may be another one's. */
  async #bodyOf(row: Row, address: RowAddress, body: RowAddress): Promise<Row | undefined> {
    const [now, found] = await this.#context.store.getMany([address, body]);
    return now?.revision === row.revision ? found : undefined;
  }

  async #missing({ key, head }: KeyState): Promise<Error> {
    const [newest] = head === undefined ? [] : await newestVersions(this.#context.store, key, 1);
    const marker = newest && decodeObjectRecord(newest.value);
    if (!marker?.deleteMarker) return objectFailure("OBJECT_MISSING");
    const { versionId, lastModifiedMillis } = marker;
    const data = { deleteMarker: true, versionId, lastModifiedMillis };
    return objectFailure("OBJECT_MISSING", { data });
  }

  async #rangeOf(opened: Opened, range: RangeRequest | undefined): Promise<{ start: number; end: number }> {
    const { size } = opened.info;
    if (range === undefined) return { start: 0, end: size };
    if (range.kind === "part") return this.#partRange(opened, range.number);
    if (range.kind === "suffix") {
      if (range.length === 0 || size === 0) throw objectFailure("RANGE_INVALID", { data: { size } });
      return { start: Math.max(0, size - range.length), end: size };
    }
    if (range.start >= size) throw objectFailure("RANGE_INVALID", { data: { size } });
    return { start: range.start, end: Math.min(size, range.end ?? size) };
  }

  async #partRange({ key, info, storage }: Opened, number: number): Promise<{ start: number; end: number }> {
    if (info.partCount === undefined) {
      if (number !== 1) throw objectFailure("PART_MISSING", { data: { partNumber: number } });
      return { start: 0, end: info.size };
    }
    let start = 0;
    for await (const run of readRuns(this.#context, key, storage)) {
      if (run.partOffset > 0) continue;
      if (run.partNumber === number) return { start, end: start + run.partSize };
      start += run.partSize;
    }
    throw objectFailure("PART_MISSING", { data: { partNumber: number } });
  }
}

export function objectInfo(key: string, record: ObjectDescription): ObjectInfo {
  const { versionId, size, etag, lastModifiedMillis, metadata, checksum, partCount, tags } = record;
  return { key, versionId, size, etag, lastModifiedMillis, metadata, checksum, partCount, tagCount: tags.size };
}

export function partInfo(run: PartRun, lastModifiedMillis: number): PartInfo {
  const { partNumber, partSize, etag, checksum } = run;
  return { partNumber, size: partSize, etag, lastModifiedMillis, checksum };
}
