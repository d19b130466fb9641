import type { BlobRef } from "../../blob/index.ts";
import { assert } from "../../std/assert.ts";
import { equalBytes, fromHex } from "../../std/bytes.ts";
import { ByteReader } from "../../std/reader.ts";
import { ByteWriter } from "../../std/writer.ts";
import type { ChecksumAlgorithm, ObjectMetadata, StoredChecksum, Tags, UploadChecksum } from "./objects.ts";

// Values of the rows of this service. Each begins with a version byte. LIST reads object rows, so they stay small: an inline body
// has a row of its own, and many extents go to manifest pages.
//
// Version 2 is version 1 with a list of owners in front of each list of runs, and in front of each run its owner's place in it (0: the
// row's own key). Only rows that share needles of other keys are written so.

const PLAIN_VERSION = 1;
const SHARING_VERSION = 2;
type RecordVersion = typeof PLAIN_VERSION | typeof SHARING_VERSION;

/** Where an object's or a part's bytes are. */
export type Storage =
  /** In the body row with this suffix (empty in a bucket without versioning, so that an overwrite replaces it). */
  | { readonly kind: "inline"; readonly bodySuffix: Uint8Array }
  | { readonly kind: "extents"; readonly runs: readonly PartRun[] }
  | { readonly kind: "paged"; readonly manifest: Uint8Array; readonly pages: number };

/** Extents of one part and one owner that lie next to each other; a body that was not uploaded in parts is part 0. */
export interface PartRun {
  readonly partNumber: number;
  /** Where in its part the run begins, and the whole part's length: a part may go over several pages. */
  readonly partOffset: number;
  readonly partSize: number;
  readonly etag: string;
  readonly checksum: StoredChecksum | undefined;
  /** The key under which the bytes were appended; undefined where it is the row's own. */
  readonly owner: Uint8Array | undefined;
  readonly refs: readonly BlobRef[];
}

export interface ObjectDescription {
  readonly deleteMarker: boolean;
  readonly versionId: string | undefined;
  /** Place among the versions of its key; grows with each write. */
  readonly order: number;
  readonly size: number;
  readonly etag: string;
  readonly lastModifiedMillis: number;
  readonly metadata: ObjectMetadata;
  readonly tags: Tags;
  readonly checksum: StoredChecksum | undefined;
  readonly partCount: number | undefined;
}

export interface ObjectRecord extends ObjectDescription {
  readonly storage: Storage | undefined;
}

const HEADERS = [
  "contentType",
  "contentEncoding",
  "contentDisposition",
  "contentLanguage",
  "cacheControl",
  "expires",
  "websiteRedirectLocation",
  "storageClass",
] as const satisfies readonly (keyof ObjectMetadata)[];

const ALGORITHMS: readonly ChecksumAlgorithm[] = ["crc32", "crc32c", "crc64nvme", "sha1", "sha256"];

/** Of the records that are written most: each resets it, and `finish` copies. */
const shared = new ByteWriter(1024);

export function encodeObjectRecord(record: ObjectRecord): Uint8Array {
  const version = versionOf(record.storage);
  const writer = shared.reset().u8(version);
  writer.u8(record.deleteMarker ? 1 : 0);
  writeOptionalText(writer, record.versionId);
  writer.varint(record.order).varint(record.size);
  writeEtag(writer, record.etag);
  writer.varint(record.lastModifiedMillis);
  writeMetadata(writer, record.metadata);
  writeMap(writer, record.tags);
  writeChecksum(writer, record.checksum);
  writer.varint(record.partCount ?? 0);
  writeStorage(writer, record.storage, version);
  return writer.finish();
}

export function decodeObjectRecord(value: Uint8Array): ObjectRecord {
  const { reader, version } = begin(value);
  return { ...readDescription(reader), storage: readStorage(reader, version) };
}

/** What a listing shows: where the bytes are is not decoded. */
export function decodeObjectDescription(value: Uint8Array): ObjectDescription {
  return readDescription(begin(value).reader);
}

function readDescription(reader: ByteReader): ObjectDescription {
  return {
    deleteMarker: reader.u8() === 1,
    versionId: readOptionalText(reader),
    order: reader.varint(),
    size: reader.varint(),
    etag: readEtag(reader),
    lastModifiedMillis: reader.varint(),
    metadata: readMetadata(reader),
    tags: readMap(reader),
    checksum: readChecksum(reader),
    partCount: reader.varint() || undefined,
  };
}

export interface PartRecord {
  readonly size: number;
  readonly etag: string;
  readonly lastModifiedMillis: number;
  readonly checksum: StoredChecksum | undefined;
  readonly storage: Storage;
}

export function encodePartRecord(record: PartRecord): Uint8Array {
  const version = versionOf(record.storage);
  const writer = shared.reset().u8(version).varint(record.size);
  writeEtag(writer, record.etag);
  writer.varint(record.lastModifiedMillis);
  writeChecksum(writer, record.checksum);
  writeStorage(writer, record.storage, version);
  return writer.finish();
}

export function decodePartRecord(value: Uint8Array): PartRecord {
  const { reader, version } = begin(value);
  const size = reader.varint();
  const etag = readEtag(reader);
  const lastModifiedMillis = reader.varint();
  const checksum = readChecksum(reader);
  const storage = readStorage(reader, version);
  assert(storage !== undefined, "a part has bytes");
  return { size, etag, lastModifiedMillis, checksum, storage };
}

/** An upload that has ended stays as a tombstone until its parts are gone. */
export interface UploadRecord {
  readonly state: "open" | "completed" | "aborted";
  readonly initiatedMillis: number;
  readonly owner: string;
  readonly metadata: ObjectMetadata;
  readonly tags: Tags;
  readonly checksum: UploadChecksum | undefined;
  /** Of a completed upload: what its completion answered, for a client that asks again. */
  readonly etag: string;
  readonly versionId: string | undefined;
}

const UPLOAD_STATES = ["open", "completed", "aborted"] as const;

export function encodeUploadRecord(record: UploadRecord): Uint8Array {
  const writer = new ByteWriter(256).u8(PLAIN_VERSION).u8(UPLOAD_STATES.indexOf(record.state));
  writer.varint(record.initiatedMillis).string(record.owner);
  writeMetadata(writer, record.metadata);
  writeMap(writer, record.tags);
  const { checksum } = record;
  writer.u8(checksum === undefined ? 0 : ALGORITHMS.indexOf(checksum.algorithm) + 1);
  writer.u8(checksum?.type === "composite" ? 1 : 0).string(record.etag);
  writeOptionalText(writer, record.versionId);
  return writer.finish();
}

export function decodeUploadRecord(value: Uint8Array): UploadRecord {
  const { reader } = begin(value);
  const state = UPLOAD_STATES[reader.u8()]!;
  const initiatedMillis = reader.varint();
  const owner = reader.string();
  const metadata = readMetadata(reader);
  const tags = readMap(reader);
  const algorithm = ALGORITHMS[reader.u8() - 1];
  const type = reader.u8() === 1 ? "composite" : "full-object";
  const checksum: UploadChecksum | undefined = algorithm && { algorithm, type };
  return {
    state,
    initiatedMillis,
    owner,
    metadata,
    tags,
    checksum,
    etag: reader.string(),
    versionId: readOptionalText(reader),
  };
}

export interface ManifestPage {
  /** Where in the object the page's first byte lies. */
  readonly start: number;
  readonly runs: readonly PartRun[];
}

export function encodeManifestPage(page: ManifestPage): Uint8Array {
  const version = versionOfRuns(page.runs);
  const writer = new ByteWriter(4096).u8(version).varint(page.start);
  writeRuns(writer, page.runs, version);
  return writer.finish();
}

export function decodeManifestPage(value: Uint8Array): ManifestPage {
  const { reader, version } = begin(value);
  return { start: reader.varint(), runs: readRuns(reader, version) };
}

function versionOf(storage: Storage | undefined): RecordVersion {
  return storage?.kind === "extents" ? versionOfRuns(storage.runs) : PLAIN_VERSION;
}

function versionOfRuns(runs: readonly PartRun[]): RecordVersion {
  return runs.some(({ owner }) => owner !== undefined) ? SHARING_VERSION : PLAIN_VERSION;
}

function begin(value: Uint8Array): { readonly reader: ByteReader; readonly version: RecordVersion } {
  const reader = new ByteReader(value);
  const version = reader.u8();
  const isKnown = version === PLAIN_VERSION || version === SHARING_VERSION;
  assert(isKnown, "a row of the objects service has a version that this code knows");
  return { reader, version };
}

function writeOptionalText(writer: ByteWriter, value: string | undefined): void {
  if (value === undefined) writer.u8(0);
  else writer.u8(1).string(value);
}

function readOptionalText(reader: ByteReader): string | undefined {
  return reader.u8() === 0 ? undefined : reader.string();
}

/** 16 bytes of MD5 and the number of parts, 0 for none. */
function writeEtag(writer: ByteWriter, etag: string): void {
  const [digest, parts] = etag.split("-");
  writer.blob(fromHex(digest!)!).varint(Number(parts ?? 0));
}

function readEtag(reader: ByteReader): string {
  const digest = reader.hex();
  const parts = reader.varint();
  return parts === 0 ? digest : `${digest}-${parts}`;
}

function writeMetadata(writer: ByteWriter, metadata: ObjectMetadata): void {
  let present = 0;
  for (let at = 0; at < HEADERS.length; at++) if (metadata[HEADERS[at]!] !== undefined) present |= 1 << at;
  writer.varint(present);
  for (const name of HEADERS) if (metadata[name] !== undefined) writer.string(metadata[name]);
  writeMap(writer, metadata.user);
}

function readMetadata(reader: ByteReader): ObjectMetadata {
  const present = reader.varint();
  const headers: { -readonly [name in (typeof HEADERS)[number]]?: string } = {};
  for (let at = 0; at < HEADERS.length; at++) if (present & (1 << at)) headers[HEADERS[at]!] = reader.string();
  return { ...headers, user: readMap(reader) };
}

function writeMap(writer: ByteWriter, map: ReadonlyMap<string, string>): void {
  writer.varint(map.size);
  for (const [name, value] of map) writer.string(name).string(value);
}

const NO_PAIRS: ReadonlyMap<string, string> = new Map();

function readMap(reader: ByteReader): ReadonlyMap<string, string> {
  const size = reader.varint();
  if (size === 0) return NO_PAIRS;
  const map = new Map<string, string>();
  for (let at = 0; at < size; at++) map.set(reader.string(), reader.string());
  return map;
}

function writeChecksum(writer: ByteWriter, checksum: StoredChecksum | undefined): void {
  if (checksum === undefined) {
    writer.u8(0);
    return;
  }
  const algorithm = ALGORITHMS.indexOf(checksum.algorithm) + 1;
  writer.u8(algorithm | (checksum.type === "composite" ? 0x80 : 0)).blob(checksum.value);
}

function readChecksum(reader: ByteReader): StoredChecksum | undefined {
  const tag = reader.u8();
  if (tag === 0) return undefined;
  const type = tag & 0x80 ? "composite" : "full-object";
  return { algorithm: ALGORITHMS[(tag & 0x7f) - 1]!, type, value: reader.blob().slice() };
}

function writeStorage(writer: ByteWriter, storage: Storage | undefined, version: RecordVersion): void {
  switch (storage?.kind) {
    case undefined:
      writer.u8(0);
      return;
    case "inline":
      writer.u8(1).blob(storage.bodySuffix);
      return;
    case "extents":
      writer.u8(2);
      writeRuns(writer, storage.runs, version);
      return;
    case "paged":
      writer.u8(3).blob(storage.manifest).varint(storage.pages);
      return;
  }
}

function readStorage(reader: ByteReader, version: RecordVersion): Storage | undefined {
  switch (reader.u8()) {
    case 1:
      return { kind: "inline", bodySuffix: reader.blob().slice() };
    case 2:
      return { kind: "extents", runs: readRuns(reader, version) };
    case 3:
      return { kind: "paged", manifest: reader.blob().slice(), pages: reader.varint() };
    default:
      return undefined;
  }
}

function writeRuns(writer: ByteWriter, runs: readonly PartRun[], version: RecordVersion): void {
  const owners = version === SHARING_VERSION ? ownersOf(runs) : [];
  if (version === SHARING_VERSION) {
    writer.varint(owners.length);
    for (const owner of owners) writer.blob(owner);
  }
  writer.varint(runs.length);
  for (const run of runs) {
    if (version === SHARING_VERSION) writer.varint(placeOf(run.owner, owners));
    writer.varint(run.partNumber).varint(run.partOffset).varint(run.partSize);
    writeEtag(writer, run.etag);
    writeChecksum(writer, run.checksum);
    writer.varint(run.refs.length);
    for (const ref of run.refs) writer.varint(ref.volume).varint(ref.needle).varint(ref.length).u32(ref.checksum);
  }
}

/** Each owner once. */
export function ownersOf(runs: readonly PartRun[]): readonly Uint8Array[] {
  const owners: Uint8Array[] = [];
  for (const { owner } of runs) if (owner !== undefined && placeOf(owner, owners) === 0) owners.push(owner);
  return owners;
}

/** From 1 on; 0 for the row's own key, and for one that is not among them. */
function placeOf(owner: Uint8Array | undefined, owners: readonly Uint8Array[]): number {
  return owner === undefined ? 0 : owners.findIndex((other) => equalBytes(owner, other)) + 1;
}

function readRuns(reader: ByteReader, version: RecordVersion): PartRun[] {
  const owners: Uint8Array[] = [];
  if (version === SHARING_VERSION) {
    for (let left = reader.varint(); left > 0; left--) owners.push(reader.blob().slice());
  }
  const runs: PartRun[] = [];
  for (let left = reader.varint(); left > 0; left--) {
    const owner = version === SHARING_VERSION ? owners[reader.varint() - 1] : undefined;
    const partNumber = reader.varint();
    const partOffset = reader.varint();
    const partSize = reader.varint();
    const etag = readEtag(reader);
    const checksum = readChecksum(reader);
    const refs: BlobRef[] = [];
    for (let refsLeft = reader.varint(); refsLeft > 0; refsLeft--) {
      refs.push({ volume: reader.varint(), needle: reader.varint(), length: reader.varint(), checksum: reader.u32() });
    }
    runs.push({ partNumber, partOffset, partSize, etag, checksum, owner, refs });
  }
  return runs;
}
