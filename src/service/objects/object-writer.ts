import type { Buckets } from "./buckets.ts";
import { checkDeleteConditions, checkSourceConditions, checkWriteConditions } from "./conditions.ts";
import { type Context, commitChange, droppingRefused } from "./context.ts";
import { objectFailure } from "./errors.ts";
import { bodyRow, isVersionId, newTimedId, objectKey, versionSuffix } from "./keys.ts";
import { checkMetadata, checkTags } from "./metadata.ts";
import type { ObjectReader } from "./object-reader.ts";
import {
  type CopyRequest,
  type CopyResult,
  type DeleteRequest,
  type DeleteResult,
  OBJECT_LIMITS,
  type ObjectName,
  type PutRequest,
  type PutResult,
  type Tags,
  type Versioning,
} from "./objects.ts";
import { type Received, receiveBody } from "./receive.ts";
import { decodeObjectRecord, encodeObjectRecord, type ObjectRecord, type Storage } from "./record.ts";
import { storeRuns } from "./storage.ts";
import {
  addVersion,
  findVersionRow,
  isNull,
  type KeyState,
  newestVersions,
  newVersion,
  readKeyState,
  removeCurrent,
  removeVersion,
} from "./versions.ts";

/** Changes of objects: each is one commit on the rows of one key. */
export class ObjectWriter {
  readonly #context: Context;
  readonly #buckets: Buckets;
  readonly #reader: ObjectReader;

  constructor(context: Context, buckets: Buckets, reader: ObjectReader) {
    this.#context = context;
    this.#buckets = buckets;
    this.#reader = reader;
  }

  async put(request: PutRequest): Promise<PutResult> {
    checkMetadata(request.metadata);
    checkTags(request.tags);
    return this.#buckets.writing(request.bucket, async ({ id, versioning }) => {
      const key = objectKey(id, request.key);
      const context = this.#context;
      if (request.conditions !== undefined) {
        // Refuse before the body is taken in; it is checked again, and for good, when it is committed.
        checkWriteConditions(request.conditions, (await readKeyState(context.store, key)).current);
      }
      using received = await droppingRefused(context, key, () => receiveBody(context, key, request.body, true));
      const storage = await this.#storageOf(key, received);
      return commitChange(context, async () => {
        const state = await readKeyState(context.store, key);
        checkWriteConditions(request.conditions, state.current);
        const place = newVersion(context, state, versioning);
        const { metadata, tags = NO_TAGS } = request;
        const { size, etag, checksum } = received;
        const stored = storage ?? inlineStorage(place, versioning);
        const record: ObjectRecord = {
          ...place,
          deleteMarker: false,
          size,
          etag,
          metadata,
          tags,
          checksum,
          partCount: undefined,
          storage: stored,
        };
        const change = await addVersion(context, state, versioning, record);
        if (stored.kind === "inline") change.put(bodyRow(key, stored.bodySuffix), received.inline!);
        const { versionId, lastModifiedMillis } = record;
        return { commit: change.commit(), result: { etag, size, checksum, versionId, lastModifiedMillis } };
      });
    });
  }

  delete(request: DeleteRequest): Promise<DeleteResult> {
    return this.#buckets.writing(request.bucket, async ({ id, versioning }) => {
      const key = objectKey(id, request.key);
      const { store } = this.#context;
      return commitChange(this.#context, async () => {
        const state = await readKeyState(store, key);
        if (request.versionId !== undefined) return this.#deleteVersion(state, request.versionId, request.conditions);
        const newest = await this.#newestOf(state);
        checkDeleteConditions(request.conditions, newest);
        // A condition on a key that never was holds, and asks for no delete marker.
        if (newest === undefined && request.conditions !== undefined) return NOTHING_DELETED;
        if (versioning === "off") {
          if (state.current === undefined) return NOTHING_DELETED;
          const change = await removeCurrent(this.#context, state);
          return { commit: change.commit(), result: { deleteMarker: false, versionId: undefined } };
        }
        const record: ObjectRecord = {
          ...EMPTY_RECORD,
          ...newVersion(this.#context, state, versioning),
          deleteMarker: true,
        };
        const change = await addVersion(this.#context, state, versioning, record);
        const result = { deleteMarker: true, versionId: record.versionId };
        return { commit: change.commit(), result };
      });
    });
  }

  /** The bytes are read and written anew: the copy is independent of its source. */
  async copy(request: CopyRequest): Promise<CopyResult> {
    if (isUnchangedSelf(request)) throw objectFailure("COPY_TO_ITSELF");
    const opened = await this.#reader.open(request.source);
    const { info } = opened;
    checkSourceConditions(request.sourceConditions, info);
    if (info.size > OBJECT_LIMITS.putBytesMax) throw objectFailure("TOO_LARGE", { data: { bytes: info.size } });
    const algorithm = request.checksumAlgorithm ?? info.checksum?.algorithm;
    const result = await this.put({
      bucket: request.bucket,
      key: request.key,
      metadata: request.metadata ?? info.metadata,
      tags: request.tags ?? opened.tags,
      ...(request.conditions && { conditions: request.conditions }),
      body: {
        source: opened.body(0, info.size),
        length: info.size,
        expected: {},
        ...(algorithm && { checksum: { algorithm, value: () => undefined } }),
      },
    });
    return { ...result, sourceVersionId: info.versionId };
  }

  async setTags(name: ObjectName, tags: Tags | undefined): Promise<{ readonly versionId: string | undefined }> {
    checkTags(tags);
    return this.#buckets.writing(name.bucket, async ({ id }) => {
      const key = objectKey(id, name.key);
      const { store } = this.#context;
      return commitChange(this.#context, async () => {
        const state = await readKeyState(store, key);
        const { record, address, row } = await this.#reader.locate(state, name.versionId);
        const value = encodeObjectRecord({ ...record, tags: tags ?? NO_TAGS });
        const commit = { checks: [{ ...address, revision: row.revision }], puts: [{ ...address, value }] };
        return { commit, result: { versionId: record.versionId } };
      });
    });
  }

  /** The current object, or the delete marker in its place. */
  async #newestOf({ current, head, key }: KeyState): Promise<ObjectRecord | undefined> {
    if (current !== undefined || head === undefined) return current;
    const [newest] = await newestVersions(this.#context.store, key, 1);
    return newest && decodeObjectRecord(newest.value);
  }

  async #storageOf(key: Uint8Array, received: Received): Promise<Storage | undefined> {
    if (received.append === undefined) return undefined;
    const { size, etag } = received;
    const run = { partNumber: 0, partOffset: 0, partSize: size, etag, checksum: undefined, refs: received.append.refs };
    const { clock, random } = this.#context;
    return storeRuns(this.#context, key, [run], newTimedId(clock.now(), random));
  }

  async #deleteVersion(state: KeyState, versionId: string, conditions: DeleteRequest["conditions"]) {
    if (!isVersionId(versionId)) throw objectFailure("VERSION_ID_INVALID", { data: { versionId } });
    const { current } = state;
    const isCurrent =
      current !== undefined && (versionId === "null" ? isNull(current) : current.versionId === versionId);
    if (isCurrent) {
      checkDeleteConditions(conditions, current);
      const change = await removeCurrent(this.#context, state);
      return { commit: change.commit(), result: { deleteMarker: false, versionId } };
    }
    const row = await findVersionRow(this.#context.store, state, versionId);
    const record = row && decodeObjectRecord(row.value);
    checkDeleteConditions(conditions, record);
    if (row === undefined || record === undefined) return { commit: {}, result: { deleteMarker: false, versionId } };
    const change = await removeVersion(this.#context, state, row);
    const { deleteMarker } = record;
    return { commit: change.commit(), result: { deleteMarker, versionId } };
  }
}

const NO_TAGS: Tags = new Map();
const NOTHING_DELETED = { commit: {}, result: { deleteMarker: false, versionId: undefined } } as const;

const EMPTY_RECORD = {
  deleteMarker: false,
  size: 0,
  etag: "",
  metadata: { user: new Map() },
  tags: NO_TAGS,
  checksum: undefined,
  partCount: undefined,
  storage: undefined,
} as const;

const NO_SUFFIX = new Uint8Array(0);

/** Without versioning there is one body row a key, overwritten in place; versions need one each. */
function inlineStorage(
  place: Pick<ObjectRecord, "versionId" | "order">,
  versioning: Versioning,
): Storage & { kind: "inline" } {
  return { kind: "inline", bodySuffix: versioning === "off" ? NO_SUFFIX : versionSuffix(place) };
}

function isUnchangedSelf({ source, bucket, key, metadata, tags }: CopyRequest): boolean {
  const isSelf = source.bucket === bucket && source.key === key && source.versionId === undefined;
  return isSelf && metadata === undefined && tags === undefined;
}
