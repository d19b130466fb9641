import type { Buckets, WritableBucket } from "./buckets.ts";
import { checkDeleteConditions, checkSourceConditions, checkWriteConditions } from "./conditions.ts";
import { type Context, commitChange, droppingRefused } from "./context.ts";
import { objectFailure } from "./errors.ts";
import { bodyRow, isVersionId, newTimedId, versionSuffix } from "./keys.ts";
import { checkMetadata, checkTags } from "./metadata.ts";
import type { ObjectReader, Opened } from "./object-reader.ts";
import {
  type ChecksumAlgorithm,
  type CopyRequest,
  type CopyResult,
  type DeleteRequest,
  type DeleteResult,
  OBJECT_LIMITS,
  type ObjectInfo,
  type ObjectName,
  type PutRequest,
  type PutResult,
  type Tags,
  type Versioning,
} from "./objects.ts";
import { type Received, receiveBody } from "./receive.ts";
import { decodeObjectRecord, encodeObjectRecord, type ObjectRecord, type Storage } from "./record.ts";
import { type SharedSource, SourceChanged, shareRange, sharing } from "./share.ts";
import { storeRuns } from "./storage.ts";
import {
  addVersion,
  isNull,
  type KeyState,
  newVersion,
  readKeyState,
  readNewest,
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
    return this.#buckets.writing(request, async ({ key, versioning, fence }) => {
      const context = this.#context;
      // A small body is kept in a row, which Blobs never sees.
      await context.blobs.checkSpace("addition");
      if (request.conditions !== undefined) {
        // Refuse before the body is taken in; it is checked again, and for good, when it is committed.
        checkWriteConditions(request.conditions, (await readKeyState(context.store, key)).current);
      }
      using received = await droppingRefused(context, key, () => receiveBody(context, key, request.body, true));
      const storage = await this.#storageOf(key, received);
      return this.#commit(key, { versioning, fence }, request, { ...received, storage });
    });
  }

  delete(request: DeleteRequest): Promise<DeleteResult> {
    return this.#buckets.writing(request, async ({ key, versioning, fence }) => {
      const { store, blobs } = this.#context;
      await blobs.checkSpace("removal");
      return commitChange(this.#context, fence, async () => {
        const { versionId } = request;
        if (versionId !== undefined) {
          return this.#deleteVersion(await readKeyState(store, key, versionId), versionId, request.conditions);
        }
        const { state, newest } = await readNewest(store, key);
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

  /** The copy names the source's needles where it can; else the bytes are read and written anew. */
  async copy(request: CopyRequest): Promise<CopyResult> {
    if (isUnchangedSelf(request)) throw objectFailure("COPY_TO_ITSELF");
    const { opened, shared } = await sharing(
      () => this.#openSource(request),
      (source) => this.#share(request, source),
    );
    return shared ?? this.#copyBytes(request, opened);
  }

  async setTags(name: ObjectName, tags: Tags | undefined): Promise<{ readonly versionId: string | undefined }> {
    checkTags(tags);
    return this.#buckets.writing(name, async ({ key, fence }) => {
      const { store, blobs } = this.#context;
      await blobs.checkSpace(tags === undefined ? "removal" : "addition");
      return commitChange(this.#context, fence, async () => {
        const state = await readKeyState(store, key, name.versionId);
        const { record, address, row } = await this.#reader.locate(state, name.versionId);
        const value = encodeObjectRecord({ ...record, tags: tags ?? NO_TAGS });
        const commit = { checks: [{ ...address, revision: row.revision }], puts: [{ ...address, value }] };
        return { commit, result: { versionId: record.versionId } };
      });
    });
  }

  async #openSource({ source, sourceConditions }: CopyRequest): Promise<Opened> {
    const opened = await this.#reader.open(source);
    checkSourceConditions(sourceConditions, opened.info);
    const { size } = opened.info;
    if (size > OBJECT_LIMITS.putBytesMax) throw objectFailure("TOO_LARGE", { data: { bytes: size } });
    return opened;
  }

  #share(request: CopyRequest, opened: Opened): Promise<CopyResult | undefined> {
    const { info } = opened;
    const copied = { ...request, metadata: request.metadata ?? info.metadata, tags: request.tags ?? opened.tags };
    checkMetadata(copied.metadata);
    checkTags(copied.tags);
    return this.#buckets.writing(request, async ({ key, versioning, fence }) => {
      const context = this.#context;
      await context.blobs.checkSpace("addition");
      if (request.conditions !== undefined) {
        checkWriteConditions(request.conditions, (await readKeyState(context.store, key)).current);
      }
      const range = { start: 0, end: info.size, partNumber: 0, algorithm: keptAlgorithm(request, info) };
      return shareRange(context, key, opened, range, async (content, source) => {
        const result = await this.#commit(
          key,
          { versioning, fence },
          copied,
          { ...content, inline: undefined },
          source,
        );
        return { ...result, sourceVersionId: info.versionId };
      });
    });
  }

  async #copyBytes(request: CopyRequest, opened: Opened): Promise<CopyResult> {
    const { info } = opened;
    const algorithm = keptAlgorithm(request, info);
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

  /** With a source, the content's needles are another row's, which the commit checks. Throws SourceChanged. */
  #commit(
    key: Uint8Array,
    { versioning, fence }: Pick<WritableBucket, "versioning" | "fence">,
    request: Pick<PutRequest, "metadata" | "tags" | "conditions">,
    content: WrittenContent,
    source?: SharedSource,
  ): Promise<PutResult> {
    const context = this.#context;
    const { size, etag, checksum } = content;
    return commitChange(context, fence, async () => {
      if (source !== undefined && !(await source.isThere())) throw new SourceChanged("before the copy was committed");
      const state = await readKeyState(context.store, key);
      checkWriteConditions(request.conditions, state.current);
      const place = newVersion(context, state, versioning);
      const { metadata, tags = NO_TAGS } = request;
      const storage = content.storage ?? inlineStorage(place, versioning);
      const record: ObjectRecord = {
        ...place,
        deleteMarker: false,
        size,
        etag,
        metadata,
        tags,
        checksum,
        partCount: undefined,
        storage,
      };
      const change = await addVersion(context, state, versioning, record);
      if (storage.kind === "inline") change.put(bodyRow(key, storage.bodySuffix), content.inline!);
      if (source !== undefined) change.share(storage).takeFrom(source.check);
      const { versionId, lastModifiedMillis } = record;
      return { commit: change.commit(), result: { etag, size, checksum, versionId, lastModifiedMillis } };
    });
  }

  /** The current object, or the delete marker in its place. */
  async #storageOf(key: Uint8Array, received: Received): Promise<Storage | undefined> {
    if (received.append === undefined) return undefined;
    const { size, etag } = received;
    const { refs } = received.append;
    const run = { partNumber: 0, partOffset: 0, partSize: size, etag, checksum: undefined, owner: undefined, refs };
    const { clock, random } = this.#context;
    return storeRuns(this.#context, key, [run], newTimedId(clock.now(), random));
  }

  async #deleteVersion(state: KeyState, versionId: string, conditions: DeleteRequest["conditions"]) {
    if (!isVersionId(versionId)) throw objectFailure("VERSION_ID_INVALID", { data: { versionId } });
    const { current, olderRow: row } = state;
    const isCurrent =
      current !== undefined && (versionId === "null" ? isNull(current) : current.versionId === versionId);
    if (isCurrent) {
      checkDeleteConditions(conditions, current);
      const change = await removeCurrent(this.#context, state);
      return { commit: change.commit(), result: { deleteMarker: false, versionId } };
    }
    const record = row && decodeObjectRecord(row.value);
    checkDeleteConditions(conditions, record);
    if (row === undefined || record === undefined) return { commit: {}, result: { deleteMarker: false, versionId } };
    const change = await removeVersion(this.#context, state, row);
    const { deleteMarker } = record;
    return { commit: change.commit(), result: { deleteMarker, versionId } };
  }
}

/** What has arrived, or what another row has: inline exactly where there is no storage yet. */
type WrittenContent = Pick<Received, "size" | "etag" | "checksum" | "inline"> & {
  readonly storage: Storage | undefined;
};

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

function keptAlgorithm({ checksumAlgorithm }: CopyRequest, { checksum }: ObjectInfo): ChecksumAlgorithm | undefined {
  return checksumAlgorithm ?? checksum?.algorithm;
}

function isUnchangedSelf({ source, bucket, key, metadata, tags }: CopyRequest): boolean {
  const isSelf = source.bucket === bucket && source.key === key && source.versionId === undefined;
  return isSelf && metadata === undefined && tags === undefined;
}
