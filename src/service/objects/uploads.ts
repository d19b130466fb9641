import type { HashName } from "../../env/index.ts";
import { concatBytes, equalBytes, fromHex, strictText, toHex } from "../../std/bytes.ts";
import { type Check, type Row, type RowAddress, type RowKey, TABLES } from "../../store/index.ts";
import type { Buckets } from "./buckets.ts";
import { combineChecksums } from "./combine.ts";
import { checkSourceConditions, checkWriteConditions } from "./conditions.ts";
import { type Context, commitChange, droppingRefused, fenced } from "./context.ts";
import { objectFailure } from "./errors.ts";
import { newTimedId, objectKey, partNumberOf, partRow, rowsOfUpload, uploadRow } from "./keys.ts";
import { checkMetadata, checkTags } from "./metadata.ts";
import type { ObjectReader, Opened } from "./object-reader.ts";
import {
  type CompletePart,
  type CompleteRequest,
  type CopyPartRequest,
  type CreateUploadRequest,
  type ListPage,
  OBJECT_LIMITS,
  type PartInfo,
  type PutPartRequest,
  type PutResult,
  type StoredChecksum,
  type UploadInfo,
  type UploadName,
} from "./objects.ts";
import { receiveBody } from "./receive.ts";
import {
  decodePartRecord,
  decodeUploadRecord,
  encodePartRecord,
  encodeUploadRecord,
  type ObjectRecord,
  type PartRecord,
  type PartRun,
  type Storage,
  type UploadRecord,
} from "./record.ts";
import { type Content, type SharedSource, SourceChanged, shareRange, sharing } from "./share.ts";
import { readRuns, storeRuns } from "./storage.ts";
import { addVersion, Change, newVersion, readKeyState } from "./versions.ts";

const NO_TAGS: ReadonlyMap<string, string> = new Map();

interface OpenUpload {
  readonly key: Uint8Array;
  readonly row: Row;
  readonly address: RowAddress;
  readonly record: UploadRecord;
}

/**
 * Multipart uploads. Parts are rows under the object's key; completion commits the object and turns the upload into a tombstone,
 * which the cleaner removes with its parts. An upload's row does not change while it is open, so every part checks its revision.
 */
export class Uploads {
  readonly #context: Context;
  readonly #buckets: Buckets;
  readonly #reader: ObjectReader;

  constructor(context: Context, buckets: Buckets, reader: ObjectReader) {
    this.#context = context;
    this.#buckets = buckets;
    this.#reader = reader;
  }

  async create(request: CreateUploadRequest): Promise<UploadInfo> {
    const { metadata, tags, checksum, owner } = request;
    checkMetadata(metadata);
    checkTags(tags);
    if (checksum !== undefined) checkChecksumType(checksum.algorithm, checksum.type);
    return this.#buckets.writing(request, async ({ key, fence }) => {
      const { clock, random, store, blobs } = this.#context;
      await blobs.checkSpace("addition");
      const initiatedMillis = clock.now();
      const uploadId = newTimedId(initiatedMillis, random);
      const record: UploadRecord = {
        state: "open",
        initiatedMillis,
        owner,
        metadata,
        tags: tags ?? NO_TAGS,
        checksum,
        etag: "",
        versionId: undefined,
      };
      const address = uploadRow(key, uploadId);
      const puts = [{ ...address, value: encodeUploadRecord(record) }];
      const result = await store.commit(fenced({ checks: [{ ...address, absent: true }], puts }, fence));
      if (!result.committed) throw objectFailure("CONFLICT");
      return { key: request.key, uploadId, initiatedMillis, owner, metadata, checksum };
    });
  }

  get(name: UploadName): Promise<UploadInfo> {
    return this.#buckets.reading(name.bucket, async (id) => {
      const { row, record } = await this.#open(objectKey(id, name.key), name);
      return uploadInfo(name.key, row, record);
    });
  }

  async putPart(request: PutPartRequest): Promise<PartInfo> {
    const { partNumber } = request;
    checkPartNumber(partNumber);
    return this.#buckets.writing(request, async ({ key, fence }) => {
      const context = this.#context;
      const upload = await this.#open(key, request);
      const algorithm = upload.record.checksum?.algorithm;
      const body =
        request.body.checksum !== undefined || algorithm === undefined
          ? request.body
          : { ...request.body, checksum: { algorithm, value: () => undefined } };
      using received = await droppingRefused(context, key, () => receiveBody(context, key, body, false));
      const { size, etag, checksum } = received;
      const { refs } = received.append!;
      const run = { partNumber, partOffset: 0, partSize: size, etag, checksum, owner: undefined, refs };
      const storage = await storeRuns(context, key, [run], newTimedId(context.clock.now(), context.random));
      return this.#commitPart(upload, partNumber, fence, { size, etag, checksum, storage });
    });
  }

  /** The part names the source's needles where it can; else the bytes are read and written anew. */
  async copyPart(request: CopyPartRequest): Promise<PartInfo & { readonly sourceVersionId: string | undefined }> {
    const { opened, shared } = await sharing(
      () => this.#openSource(request),
      (source) => this.#sharePart(request, source),
    );
    if (shared !== undefined) return shared;
    const { start, end } = rangeOf(request, opened);
    const body = { source: opened.body(start, end), length: end - start, expected: {} };
    const part = await this.putPart({ ...request, body });
    return { ...part, sourceVersionId: opened.info.versionId };
  }

  complete(request: CompleteRequest): Promise<PutResult> {
    return this.#buckets.writing(request, async ({ key, versioning, fence }) => {
      const context = this.#context;
      const upload = await this.#find(key, request);
      if (upload.record.state === "completed") return this.#answerAgain(key, upload.record);
      await context.blobs.checkSpace("addition");
      const parts = await this.#chosenParts(key, request, upload.record);
      const whole = await this.#combine(parts, request, upload.record);
      const runs: PartRun[] = [];
      for (const { partNumber, record } of parts) {
        for await (const run of readRuns(context, key, record.storage)) runs.push({ ...run, partNumber });
      }
      const storage: Storage = await storeRuns(context, key, runs, newTimedId(context.clock.now(), context.random));
      return commitChange(context, fence, async () => {
        const state = await readKeyState(context.store, key);
        checkWriteConditions(request.conditions, state.current);
        const { metadata, tags } = upload.record;
        const place = newVersion(context, state, versioning);
        const record: ObjectRecord = {
          ...place,
          ...whole,
          deleteMarker: false,
          metadata,
          tags,
          partCount: parts.length,
          storage,
        };
        // Its parts were read a while ago: one that was replaced since has let go of its needles, and of their share rows.
        const change = (await addVersion(context, state, versioning, record)).share(storage);
        const ended: UploadRecord = {
          ...upload.record,
          state: "completed",
          etag: whole.etag,
          versionId: record.versionId,
        };
        const { row } = await context.store.get(upload.address);
        if (row?.revision !== upload.row.revision) throw objectFailure("UPLOAD_MISSING");
        change.expect(upload.address, row).put(upload.address, encodeUploadRecord(ended));
        const { versionId, lastModifiedMillis } = record;
        return { commit: change.commit(), result: { ...whole, versionId, lastModifiedMillis } };
      });
    });
  }

  abort(name: UploadName): Promise<void> {
    return this.#buckets.writing(name, async ({ key, fence }) => {
      await this.#abort(await this.#open(key, name), fence);
    });
  }

  /** Aborts every open upload of a bucket that is about to be deleted. */
  async abortAll(range: { readonly from: RowKey; readonly to: RowKey }): Promise<void> {
    const { store } = this.#context;
    for (let at: { readonly from?: RowKey; readonly after?: RowKey } = { from: range.from }; ; ) {
      const { rows, more } = await store.scan(TABLES.upload, { ...at, to: range.to }, { limit: 1000 });
      for (const row of rows) {
        const record = decodeUploadRecord(row.value);
        if (record.state === "open") await this.#abort({ key: row.key, row, address: row, record }, undefined);
      }
      const last = rows.at(-1);
      if (!more || last === undefined) return;
      at = { after: last };
    }
  }

  async listParts(name: UploadName, after: number, limit: number): Promise<ListPage<PartInfo>> {
    const { id } = await this.#buckets.get(name.bucket);
    const key = objectKey(id, name.key);
    await this.#open(key, name);
    const { to } = rowsOfUpload(key, name.uploadId);
    const from = partRow(key, name.uploadId, Math.min(after, 99_998) + 1);
    const { rows } = await this.#context.store.scan(TABLES.part, { from, to }, { limit: limit + 1 });
    const items = rows.slice(0, limit).map((row) => {
      const { size, etag, lastModifiedMillis, checksum } = decodePartRecord(row.value);
      return { partNumber: partNumberOf(row.suffix), size, etag, lastModifiedMillis, checksum };
    });
    const next = rows.length > limit && items.length > 0 ? String(items.at(-1)!.partNumber) : undefined;
    return { items, commonPrefixes: [], next };
  }

  async #openSource(request: CopyPartRequest): Promise<Opened> {
    const opened = await this.#reader.open(request.source);
    const { size } = opened.info;
    checkSourceConditions(request.sourceConditions, opened.info);
    const { start, end } = rangeOf(request, opened);
    if (start >= end && size > 0) throw objectFailure("RANGE_INVALID", { data: { size } });
    if (end > size) throw objectFailure("RANGE_INVALID", { data: { size } });
    if (end - start > OBJECT_LIMITS.putBytesMax) throw objectFailure("TOO_LARGE", { data: { bytes: end - start } });
    return opened;
  }

  #sharePart(request: CopyPartRequest, opened: Opened) {
    const { partNumber } = request;
    checkPartNumber(partNumber);
    return this.#buckets.writing(request, async ({ key, fence }) => {
      const upload = await this.#open(key, request);
      const algorithm = upload.record.checksum?.algorithm;
      const range = { ...rangeOf(request, opened), partNumber, algorithm };
      return shareRange(this.#context, key, opened, range, async (content, source) => {
        const part = await this.#commitPart(upload, partNumber, fence, content, source);
        return { ...part, sourceVersionId: opened.info.versionId };
      });
    });
  }

  /** With a source, the content's needles are another row's, which the commit checks. Throws SourceChanged. */
  async #commitPart(
    upload: OpenUpload,
    partNumber: number,
    fence: Check | undefined,
    content: Content,
    source?: SharedSource,
  ): Promise<PartInfo> {
    const context = this.#context;
    const { key } = upload;
    await context.blobs.checkSpace("addition");
    const { size, etag, checksum, storage } = content;
    const lastModifiedMillis = context.clock.now();
    const address = partRow(key, strictText(upload.row.suffix)!, partNumber);
    const value = encodePartRecord({ size, etag, lastModifiedMillis, checksum, storage });
    return commitChange(context, fence, async () => {
      if (source !== undefined && !(await source.isThere())) throw new SourceChanged("before the part was committed");
      const { row: before } = await context.store.get(address);
      const { row: uploadNow } = await context.store.get(upload.address);
      if (uploadNow?.revision !== upload.row.revision) throw objectFailure("UPLOAD_MISSING");
      const change = new Change(context, key).expect(upload.address, upload.row).expect(address, before);
      change
        .reference(storage)
        .drop(before && decodePartRecord(before.value).storage)
        .put(address, value);
      if (source !== undefined) change.share(storage).takeFrom(source.check);
      return { commit: change.commit(), result: { partNumber, size, etag, lastModifiedMillis, checksum } };
    });
  }

  async #abort(upload: OpenUpload, fence: Check | undefined): Promise<void> {
    const { address, row, record } = upload;
    await this.#context.blobs.checkSpace("removal");
    const put = { ...address, value: encodeUploadRecord({ ...record, state: "aborted" }) };
    await commitChange(this.#context, fence, async () => {
      const { row: now } = await this.#context.store.get(address);
      if (now?.revision !== row.revision) throw objectFailure("UPLOAD_MISSING");
      return { commit: { checks: [{ ...address, revision: row.revision }], puts: [put] }, result: undefined };
    });
  }

  async #find(key: Uint8Array, { uploadId }: UploadName): Promise<OpenUpload> {
    const isId = /^[0-9a-v]{32}$/.test(uploadId);
    const address = uploadRow(key, isId ? uploadId : "-");
    const { row } = await this.#context.store.get(address);
    const record = row && decodeUploadRecord(row.value);
    if (row === undefined || record === undefined || record.state === "aborted") {
      throw objectFailure("UPLOAD_MISSING", { data: { uploadId } });
    }
    return { key, row, address, record };
  }

  async #open(key: Uint8Array, name: UploadName): Promise<OpenUpload> {
    const upload = await this.#find(key, name);
    if (upload.record.state !== "open") throw objectFailure("UPLOAD_MISSING", { data: { uploadId: name.uploadId } });
    return upload;
  }

  /** A client that lost the answer asks again: it gets the same one while the tombstone is kept. */
  async #answerAgain(key: Uint8Array, { etag, versionId }: UploadRecord): Promise<PutResult> {
    const { current } = await readKeyState(this.#context.store, key);
    const size = current?.etag === etag ? current.size : 0;
    const lastModifiedMillis = current?.lastModifiedMillis ?? this.#context.clock.now();
    return {
      etag,
      versionId,
      size,
      lastModifiedMillis,
      checksum: current?.etag === etag ? current.checksum : undefined,
    };
  }

  async #chosenParts(key: Uint8Array, request: CompleteRequest, upload: UploadRecord): Promise<ChosenPart[]> {
    const { parts, uploadId } = request;
    if (parts.length === 0 || parts.length > OBJECT_LIMITS.partsMax) throw objectFailure("PART_INVALID");
    for (const [at, part] of parts.entries()) {
      if (at > 0 && part.partNumber <= parts[at - 1]!.partNumber) throw objectFailure("PART_ORDER_INVALID");
    }
    const chosen: ChosenPart[] = [];
    for (let at = 0; at < parts.length; at += 1000) {
      const asked = parts.slice(at, at + 1000);
      const rows = await this.#context.store.getMany(asked.map(({ partNumber }) => partRow(key, uploadId, partNumber)));
      for (const [ordinal, part] of asked.entries()) chosen.push(chosenPart(part, rows[ordinal], upload));
    }
    for (const { partNumber, record } of chosen.slice(0, -1)) {
      if (record.size < OBJECT_LIMITS.partBytesMin)
        throw objectFailure("TOO_SMALL", { data: { partNumber, size: record.size } });
    }
    return chosen;
  }

  async #combine(parts: readonly ChosenPart[], request: CompleteRequest, upload: UploadRecord): Promise<Whole> {
    const size = parts.reduce((sum, { record }) => sum + record.size, 0);
    if (size > OBJECT_LIMITS.objectBytesMax) throw objectFailure("TOO_LARGE", { data: { bytes: size } });
    if (request.size !== undefined && request.size !== size) {
      throw objectFailure("BODY_INCOMPLETE", { what: "The parts do not have the announced size.", data: { size } });
    }
    const etags = concatBytes(parts.map(({ record }) => fromHex(record.etag)!));
    const etag = `${toHex(await this.#hash("md5", etags))}-${parts.length}`;
    return { size, etag, checksum: await this.#wholeChecksum(parts, request.checksum, upload) };
  }

  async #wholeChecksum(
    parts: readonly ChosenPart[],
    announced: StoredChecksum | undefined,
    { checksum: kind }: UploadRecord,
  ): Promise<StoredChecksum | undefined> {
    if (kind === undefined) return undefined;
    const { algorithm, type } = kind;
    const values = parts.map(({ record }) => ({ value: record.checksum!.value, length: record.size }));
    const value =
      type === "composite"
        ? await this.#hash(algorithm, concatBytes(values.map((part) => part.value)))
        : combineChecksums(algorithm, values);
    if (announced !== undefined && announced.algorithm === algorithm && !equalBytes(announced.value, value)) {
      throw objectFailure("CHECKSUM_MISMATCH", { data: { algorithm } });
    }
    return { algorithm, type, value };
  }

  async #hash(name: HashName, bytes: Uint8Array): Promise<Uint8Array> {
    using hasher = this.#context.compute.hasher([name], bytes.length);
    await hasher.update(bytes);
    return (await hasher.digest()).get(name)!;
  }
}

type Whole = Pick<ObjectRecord, "size" | "etag" | "checksum">;

interface ChosenPart {
  readonly partNumber: number;
  readonly record: PartRecord;
}

export function uploadInfo(key: string, row: Row, record: UploadRecord): UploadInfo {
  const { initiatedMillis, owner, metadata, checksum } = record;
  return { key, uploadId: strictText(row.suffix)!, initiatedMillis, owner, metadata, checksum };
}

function chosenPart(asked: CompletePart, row: Row | undefined, upload: UploadRecord): ChosenPart {
  const { partNumber, etag, checksum } = asked;
  const record = row && decodePartRecord(row.value);
  if (record === undefined || record.etag !== etag) throw objectFailure("PART_INVALID", { data: { partNumber } });
  const stored = record.checksum;
  if (checksum !== undefined && stored?.algorithm === checksum.algorithm && !equalBytes(stored.value, checksum.value)) {
    throw objectFailure("PART_INVALID", { data: { partNumber, algorithm: checksum.algorithm } });
  }
  if (upload.checksum !== undefined && stored?.algorithm !== upload.checksum.algorithm) {
    throw objectFailure("PART_INVALID", { data: { partNumber, algorithm: upload.checksum.algorithm } });
  }
  return { partNumber, record };
}

function checkPartNumber(partNumber: number): void {
  if (Number.isInteger(partNumber) && partNumber >= 1 && partNumber <= OBJECT_LIMITS.partsMax) return;
  throw objectFailure("PART_NUMBER_INVALID", { data: { partNumber } });
}

function rangeOf({ range }: CopyPartRequest, { info }: Opened): { readonly start: number; readonly end: number } {
  return range ?? { start: 0, end: info.size };
}

function checkChecksumType(algorithm: string, type: "full-object" | "composite"): void {
  const isCrc = algorithm.startsWith("crc");
  const isAllowed = type === "composite" ? algorithm !== "crc64nvme" : isCrc;
  if (!isAllowed) throw objectFailure("CHECKSUM_TYPE_INVALID", { data: { algorithm, type } });
}
