import { compareBytes, equalBytes, utf8 } from "../../std/bytes.ts";
import { type Row, TABLES } from "../../store/index.ts";
import type { Buckets } from "./buckets.ts";
import type { Context } from "./context.ts";
import { objectFailure } from "./errors.ts";
import { type KeyVersions, type MetRows, readVersions, settledVersions } from "./key-versions.ts";
import { isVersionId, keyBound, objectKey, uploadRow, versionSuffix } from "./keys.ts";
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
import { decodeObjectDescription, decodeUploadRecord } from "./record.ts";
import { type Listed, type ListScope, RowLister, startBehind } from "./row-lister.ts";
import { uploadInfo } from "./uploads.ts";
import { isNull, readKeyState } from "./versions.ts";

/** The listings: of live objects, of all versions, of uploads. None keeps state between its pages. */
export class Listing {
  readonly #context: Context;
  readonly #buckets: Buckets;

  constructor(context: Context, buckets: Buckets) {
    this.#context = context;
    this.#buckets = buckets;
  }

  list(request: ListRequest): Promise<ListPage<ObjectInfo>> {
    return this.#buckets.reading(request.bucket, (id) => this.#listIn(id, request));
  }

  async #listIn(bucketId: string, { prefix, delimiter, after, limit }: ListRequest): Promise<ListPage<ObjectInfo>> {
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
      else items.push(objectInfo(last, decodeObjectDescription(listed.row.value)));
    }
    return { items, commonPrefixes, next: undefined };
  }

  /** Current versions and older ones come from two tables and are merged by key. */
  listVersions(request: VersionListRequest): Promise<VersionPage> {
    return this.#buckets.reading(request.bucket, (id) => this.#listVersionsIn(id, request));
  }

  async #listVersionsIn(bucketId: string, request: VersionListRequest): Promise<VersionPage> {
    const { prefix, delimiter, keyMarker, versionIdMarker, limit } = request;
    const scope: ListScope = { bucketId, prefix, delimiter };
    const { store } = this.#context;
    const start = startBehind(scope, keyMarker);
    const current = new RowLister(store, TABLES.object, scope, start);
    const older = new RowLister(store, TABLES.version, scope, start);
    const items: VersionInfo[] = [];
    const commonPrefixes: string[] = [];
    let last: { key: string; versionId: string | undefined } | undefined;
    const isFull = (): boolean => items.length + commonPrefixes.length === limit;
    /** False where the page is full before the last of them. */
    const add = (key: string, versions: KeyVersions, isBegun: boolean): boolean => {
      for (const [at, record] of [...(versions.current ? [versions.current] : []), ...versions.older].entries()) {
        if (isFull()) return false;
        last = { key, versionId: record.versionId ?? "null" };
        const isLatest = at === 0 && (!isBegun || versions.current !== undefined);
        items.push({ ...objectInfo(key, record), deleteMarker: record.deleteMarker, isLatest });
      }
      return true;
    };
    const full = () => ({ items, commonPrefixes, nextKeyMarker: last?.key, nextVersionIdMarker: last?.versionId });
    const rest = limit > 0 ? await this.#versionsBehind(scope, keyMarker, versionIdMarker, limit) : undefined;
    if (rest !== undefined && !add(keyMarker, rest, true)) return full();
    while (limit > 0) {
      const left = limit - items.length - commonPrefixes.length;
      const listed = await takeKey(bucketId, current, older, left);
      if (listed === undefined) break;
      const { text, rows } = listed;
      // Older versions that were left over of a key that has had more than fit.
      if (text === last?.key && rows !== undefined) continue;
      if (rows !== undefined) {
        const key = objectKey(bucketId, text);
        if (!add(text, settledVersions(rows) ?? (await readVersions(store, key, left + 1)), false)) return full();
      } else if (commonPrefixes.at(-1) !== text) {
        if (isFull()) return full();
        last = { key: text, versionId: undefined };
        commonPrefixes.push(text);
      }
    }
    return { items, commonPrefixes, nextKeyMarker: undefined, nextVersionIdMarker: undefined };
  }

  listUploads(request: UploadListRequest): Promise<UploadPage> {
    return this.#buckets.reading(request.bucket, (id) => this.#listUploadsIn(id, request));
  }

  async #listUploadsIn(bucketId: string, request: UploadListRequest): Promise<UploadPage> {
    const { prefix, delimiter, keyMarker, uploadIdMarker, limit } = request;
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

  /** What is left of the key that the page before has ended in; undefined where it has ended between two. */
  async #versionsBehind(
    { bucketId, prefix, delimiter }: ListScope,
    keyMarker: string,
    versionIdMarker: string | undefined,
    limit: number,
  ): Promise<KeyVersions | undefined> {
    if (versionIdMarker === undefined || keyMarker === "") return undefined;
    if (!isVersionId(versionIdMarker))
      throw objectFailure("VERSION_ID_INVALID", { data: { versionId: versionIdMarker } });
    const isBeneath = delimiter !== "" && keyMarker.indexOf(delimiter, prefix.length) >= 0;
    if (!keyMarker.startsWith(prefix) || isBeneath) return undefined;
    const { store } = this.#context;
    const key = objectKey(bucketId, keyMarker);
    const { current, olderRow } = await readKeyState(store, key, versionIdMarker);
    const isCurrent =
      current !== undefined && (versionIdMarker === "null" ? isNull(current) : current.versionId === versionIdMarker);
    // A version that was deleted meanwhile still has its place: ids sort as the rows do.
    const place = isCurrent ? versionSuffix(current) : (olderRow?.suffix ?? utf8(versionIdMarker));
    return readVersions(store, key, limit + 1, place);
  }
}

/** A key with its rows, or a common prefix. */
interface ListedKey {
  readonly text: string;
  readonly rows: MetRows | undefined;
}

/**
 * The lowest of both; of a key's older versions not many more than are asked for. Of each key the current version is read
 * first: it may become an older one meanwhile, and would be met nowhere if those had been read before.
 */
async function takeKey(
  bucketId: string,
  current: RowLister,
  older: RowLister,
  limit: number,
): Promise<ListedKey | undefined> {
  if (current.peek() === undefined) await current.fill();
  if (older.peek() === undefined) await older.fill(current.readTo);
  const [left, right] = [current.peek(), older.peek()];
  if (left === undefined && right === undefined) return undefined;
  const boundOf = (listed: Listed): Uint8Array => keyBound(bucketId, listed.text).key;
  const order = left === undefined ? 1 : right === undefined ? -1 : compareBytes(boundOf(left), boundOf(right));
  const { text, row } = (order <= 0 ? left : right)!;
  const object = order <= 0 ? current.take()!.row : undefined;
  if (row === undefined) {
    if (order >= 0) older.take();
    return { text, rows: undefined };
  }
  return { text, rows: { current: object, ...(await takeOlder(text, older, current.readTo, limit)) } };
}

async function takeOlder(
  text: string,
  older: RowLister,
  bound: Uint8Array,
  limit: number,
): Promise<Omit<MetRows, "current">> {
  let head: Row | undefined;
  let isSplit = false;
  const rows: Row[] = [];
  for (;;) {
    const listed = older.peek();
    if (listed === undefined) {
      if (head === undefined && rows.length === 0) return { head, older: rows, isSplit };
      if (!(await older.fill(bound))) return { head, older: rows, isSplit };
      isSplit = true;
      continue;
    }
    const { row } = listed;
    if (row === undefined || listed.text !== text) return { head, older: rows, isSplit };
    older.take();
    if (isHeadRow(row)) head = row;
    else if (rows.push(row) > limit) return { head, older: rows, isSplit: true };
  }
}

function isHeadRow(row: Row): boolean {
  return row.table === TABLES.version && equalBytes(row.suffix, new Uint8Array(0));
}
