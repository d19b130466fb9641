import { compareBytes, equalBytes } from "../../std/bytes.ts";
import { type Row, TABLES } from "../../store/index.ts";
import type { Buckets } from "./buckets.ts";
import type { Context } from "./context.ts";
import { objectFailure } from "./errors.ts";
import { isVersionId, keyBound, objectKey, uploadRow, versionRow } from "./keys.ts";
import { objectInfo } from "./object-reader.ts";
import type {
  ListPage,
  ListRequest,
  ObjectInfo,
  UploadInfo,
  UploadListRequest,
  UploadPage,
  VersionInfo,
  VersionListRequest,
  VersionPage,
} from "./objects.ts";
import { decodeObjectRecord, decodeUploadRecord } from "./record.ts";
import { type Listed, type ListScope, type ListStart, RowLister, startBehind } from "./row-lister.ts";
import { uploadInfo } from "./uploads.ts";
import { findVersionRow, isNull, readKeyState } from "./versions.ts";

/** The listings: of live objects, of all versions, of uploads. None keeps state between its pages. */
export class Listing {
  readonly #context: Context;
  readonly #buckets: Buckets;

  constructor(context: Context, buckets: Buckets) {
    this.#context = context;
    this.#buckets = buckets;
  }

  async list({ bucket, prefix, delimiter, after, limit }: ListRequest): Promise<ListPage<ObjectInfo>> {
    const { id: bucketId } = await this.#buckets.get(bucket);
    const scope: ListScope = { bucketId, prefix, delimiter };
    const lister = new RowLister(this.#context.store, TABLES.object, scope, startBehind(scope, after));
    const items: ObjectInfo[] = [];
    const commonPrefixes: string[] = [];
    let last: string | undefined;
    while (limit > 0) {
      const listed = lister.take();
      if (listed === undefined) {
        if (await lister.fill()) continue;
        break;
      }
      if (items.length + commonPrefixes.length === limit) return { items, commonPrefixes, next: last };
      last = listed.text;
      if (listed.row === undefined) commonPrefixes.push(last);
      else items.push(objectInfo(last, decodeObjectRecord(listed.row.value)));
    }
    return { items, commonPrefixes, next: undefined };
  }

  /** Current versions and older ones come from two tables and are merged by key. */
  async listVersions(request: VersionListRequest): Promise<VersionPage> {
    const { bucket, prefix, delimiter, keyMarker, versionIdMarker, limit } = request;
    const { id: bucketId } = await this.#buckets.get(bucket);
    const scope: ListScope = { bucketId, prefix, delimiter };
    const starts = await this.#versionStarts(scope, keyMarker, versionIdMarker);
    const { store } = this.#context;
    const current = new RowLister(store, TABLES.object, scope, starts.current);
    const older = new RowLister(store, TABLES.version, scope, starts.older);
    const items: VersionInfo[] = [];
    const commonPrefixes: string[] = [];
    let last: { key: string; versionId: string | undefined } | undefined;
    let seenKey = versionIdMarker === undefined ? undefined : keyMarker;
    while (limit > 0) {
      const listed = await takeLower(bucketId, current, older);
      if (listed === undefined) break;
      if (listed.row !== undefined && isHeadRow(listed.row)) continue;
      if (listed.row === undefined && commonPrefixes.at(-1) === listed.text) continue;
      if (items.length + commonPrefixes.length === limit) {
        return { items, commonPrefixes, nextKeyMarker: last?.key, nextVersionIdMarker: last?.versionId };
      }
      last = { key: listed.text, versionId: undefined };
      if (listed.row === undefined) {
        commonPrefixes.push(listed.text);
        continue;
      }
      const record = decodeObjectRecord(listed.row.value);
      const { deleteMarker } = record;
      last.versionId = record.versionId ?? "null";
      items.push({ ...objectInfo(listed.text, record), deleteMarker, isLatest: seenKey !== listed.text });
      seenKey = listed.text;
    }
    return { items, commonPrefixes, nextKeyMarker: undefined, nextVersionIdMarker: undefined };
  }

  async listUploads(request: UploadListRequest): Promise<UploadPage> {
    const { bucket, prefix, delimiter, keyMarker, uploadIdMarker, limit } = request;
    const { id: bucketId } = await this.#buckets.get(bucket);
    const scope: ListScope = { bucketId, prefix, delimiter };
    const isInside = uploadIdMarker !== undefined && keyMarker !== "";
    const start = isInside
      ? { after: uploadRow(keyBound(bucketId, keyMarker).key, uploadIdMarker) }
      : startBehind(scope, keyMarker);
    const lister = new RowLister(this.#context.store, TABLES.upload, scope, start);
    const items: UploadInfo[] = [];
    const commonPrefixes: string[] = [];
    let last: { key: string; uploadId: string | undefined } | undefined;
    while (limit > 0) {
      const listed = lister.take();
      if (listed === undefined) {
        if (await lister.fill()) continue;
        break;
      }
      const record = listed.row && decodeUploadRecord(listed.row.value);
      if (record !== undefined && record.state !== "open") continue;
      if (items.length + commonPrefixes.length === limit) {
        return { items, commonPrefixes, nextKeyMarker: last?.key, nextUploadIdMarker: last?.uploadId };
      }
      if (listed.row === undefined || record === undefined) commonPrefixes.push(listed.text);
      else items.push(uploadInfo(listed.text, listed.row, record));
      last = { key: listed.text, uploadId: listed.row && items.at(-1)!.uploadId };
    }
    return { items, commonPrefixes, nextKeyMarker: undefined, nextUploadIdMarker: undefined };
  }

  /** Where both tables go on behind a version: the current one comes first of its key, the others follow in their rows' order. */
  async #versionStarts(
    scope: ListScope,
    keyMarker: string,
    versionIdMarker: string | undefined,
  ): Promise<{ readonly current: ListStart; readonly older: ListStart }> {
    const behindKey = startBehind(scope, keyMarker);
    if (versionIdMarker === undefined || keyMarker === "") return { current: behindKey, older: behindKey };
    if (!isVersionId(versionIdMarker))
      throw objectFailure("VERSION_ID_INVALID", { data: { versionId: versionIdMarker } });
    const state = await readKeyState(this.#context.store, objectKey(scope.bucketId, keyMarker));
    const { key, current } = state;
    const isCurrent =
      current !== undefined && (versionIdMarker === "null" ? isNull(current) : current.versionId === versionIdMarker);
    if (isCurrent) return { current: behindKey, older: { from: { key } } };
    const row = await findVersionRow(this.#context.store, state, versionIdMarker);
    // A version that was deleted meanwhile still has its place: ids sort as the rows do.
    const after = row ?? versionRow(key, new TextEncoder().encode(versionIdMarker));
    return { current: behindKey, older: { after } };
  }
}

/** Takes the step with the lower key; the current version before the older ones of the same key. */
async function takeLower(bucketId: string, current: RowLister, older: RowLister): Promise<Listed | undefined> {
  if (current.peek() === undefined) await current.fill();
  if (older.peek() === undefined) await older.fill();
  const left = current.peek();
  const right = older.peek();
  if (left === undefined) return older.take();
  if (right === undefined) return current.take();
  const order = compareBytes(keyBound(bucketId, left.text).key, keyBound(bucketId, right.text).key);
  if (order === 0 && left.row === undefined) older.take();
  return order <= 0 ? current.take() : older.take();
}

function isHeadRow(row: Row): boolean {
  return row.table === TABLES.version && equalBytes(row.suffix, new Uint8Array(0));
}
