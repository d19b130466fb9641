import type { HashName } from "../../env/index.ts";
import type { ByteSource } from "../../std/source.ts";

// What an object store means, without a protocol: buckets, objects, versions, multipart uploads. Calls take and return plain data and
// byte sources; errors are AshlarErrors of OBJECT_ERRORS. Who may do what is decided before, by the access service.

/** Checksums that a client may ask to be kept with an object; "md5" and "sha256" of a request only compare. */
export type ChecksumAlgorithm = Exclude<HashName, "md5">;

/** Of the whole object, or of its parts' checksums (with the number of parts). */
export interface StoredChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: "full-object" | "composite";
  readonly value: Uint8Array;
}

/** Headers that an object keeps and gives back, and the user's metadata (names in lower case, without prefix). */
export interface ObjectMetadata {
  readonly contentType?: string;
  readonly contentEncoding?: string;
  readonly contentDisposition?: string;
  readonly contentLanguage?: string;
  readonly cacheControl?: string;
  readonly expires?: string;
  readonly websiteRedirectLocation?: string;
  readonly storageClass?: string;
  readonly user: ReadonlyMap<string, string>;
}

export type Tags = ReadonlyMap<string, string>;

export interface ObjectInfo {
  readonly key: string;
  /** "null" for a version that was written without versioning; undefined in a bucket that never had versioning. */
  readonly versionId: string | undefined;
  readonly size: number;
  /** Without quotes: 32 hexadecimal digits, behind a multipart upload with "-" and the number of parts. */
  readonly etag: string;
  readonly lastModifiedMillis: number;
  readonly metadata: ObjectMetadata;
  readonly checksum: StoredChecksum | undefined;
  readonly tagCount: number;
  /** Only of objects that were uploaded in parts. */
  readonly partCount: number | undefined;
}

/** What a request expects of the object that exists; etags without quotes, "*" for any object. */
export interface Conditions {
  readonly ifMatch?: readonly string[];
  readonly ifNoneMatch?: readonly string[];
  readonly ifModifiedSinceMillis?: number;
  readonly ifUnmodifiedSinceMillis?: number;
}

/** Of what arrived, known before the body or (a trailer) only behind it. */
export interface ExpectedDigests {
  readonly md5?: Uint8Array;
  readonly sha256?: Uint8Array;
}

export interface BodyChecksum {
  readonly algorithm: ChecksumAlgorithm;
  /** Asked once the body has ended; undefined where the client announced no value: then it is only kept. */
  value(): Uint8Array | undefined;
}

export interface Body {
  readonly source: ByteSource;
  readonly length: number;
  readonly expected: ExpectedDigests;
  readonly checksum?: BodyChecksum;
}

export interface PutRequest {
  readonly bucket: string;
  readonly key: string;
  readonly body: Body;
  readonly metadata: ObjectMetadata;
  readonly tags?: Tags;
  readonly conditions?: Conditions;
}

export interface PutResult {
  readonly etag: string;
  readonly versionId: string | undefined;
  readonly checksum: StoredChecksum | undefined;
  readonly size: number;
  readonly lastModifiedMillis: number;
}

export interface ObjectName {
  readonly bucket: string;
  readonly key: string;
  /** The current version where left out. */
  readonly versionId?: string | undefined;
}

export type RangeRequest =
  | { readonly kind: "from"; readonly start: number; readonly end?: number }
  | { readonly kind: "suffix"; readonly length: number }
  | { readonly kind: "part"; readonly number: number };

export interface GetRequest extends ObjectName {
  readonly conditions?: Conditions;
  readonly range?: RangeRequest;
}

export interface ObjectRead {
  readonly info: ObjectInfo;
  /** First byte and the one behind the last of what the body gives; the whole object where no range was asked for. */
  readonly start: number;
  readonly end: number;
  /** Absent for a stat. Verified block by block; rejects with BLOB_DAMAGED rather than give a wrong byte. */
  readonly body?: ByteSource;
}

export interface DeleteRequest extends ObjectName {
  readonly conditions?: Conditions & { readonly ifMatchSize?: number; readonly ifMatchLastModifiedMillis?: number };
}

export interface DeleteResult {
  /** True where a delete marker was written or removed. */
  readonly deleteMarker: boolean;
  readonly versionId: string | undefined;
}

export interface CopyRequest {
  readonly source: ObjectName;
  readonly sourceConditions?: Conditions;
  readonly bucket: string;
  readonly key: string;
  /** Undefined: the source's. */
  readonly metadata?: ObjectMetadata;
  readonly tags?: Tags;
  readonly checksumAlgorithm?: ChecksumAlgorithm;
  readonly conditions?: Conditions;
}

export interface CopyResult extends PutResult {
  readonly sourceVersionId: string | undefined;
}

export interface ListRequest {
  readonly bucket: string;
  readonly prefix: string;
  readonly delimiter: string;
  /** Only keys and common prefixes behind this one (UTF-8 byte order). */
  readonly after: string;
  readonly limit: number;
}

export interface ListPage<Item> {
  readonly items: readonly Item[];
  readonly commonPrefixes: readonly string[];
  /** Pass it as `after` to go on; undefined at the end. */
  readonly next: string | undefined;
}

export interface VersionListRequest extends Omit<ListRequest, "after"> {
  readonly keyMarker: string;
  /** Only with a key marker: versions of that key behind this one. */
  readonly versionIdMarker: string | undefined;
}

export interface VersionInfo extends ObjectInfo {
  readonly isLatest: boolean;
  readonly deleteMarker: boolean;
}

export interface VersionPage {
  readonly items: readonly VersionInfo[];
  readonly commonPrefixes: readonly string[];
  readonly nextKeyMarker: string | undefined;
  readonly nextVersionIdMarker: string | undefined;
}

export interface BucketInfo {
  readonly name: string;
  readonly createdMillis: number;
  readonly owner: string;
  readonly versioning: Versioning;
}

export type Versioning = "off" | "enabled" | "suspended";

/** Documents that a bucket keeps as they were accepted. */
export type BucketDocument = "policy" | "cors" | "tagging";

export interface UploadInfo {
  readonly key: string;
  readonly uploadId: string;
  readonly initiatedMillis: number;
  readonly owner: string;
  readonly metadata: ObjectMetadata;
  readonly checksum: UploadChecksum | undefined;
}

export interface UploadChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: "full-object" | "composite";
}

export interface UploadName {
  readonly bucket: string;
  readonly key: string;
  readonly uploadId: string;
}

export interface CreateUploadRequest {
  readonly bucket: string;
  readonly key: string;
  readonly owner: string;
  readonly metadata: ObjectMetadata;
  readonly tags?: Tags;
  readonly checksum?: UploadChecksum;
}

export interface PutPartRequest extends UploadName {
  readonly partNumber: number;
  readonly body: Body;
}

export interface PartInfo {
  readonly partNumber: number;
  readonly size: number;
  readonly etag: string;
  readonly lastModifiedMillis: number;
  readonly checksum: StoredChecksum | undefined;
}

export interface CopyPartRequest extends UploadName {
  readonly partNumber: number;
  readonly source: ObjectName;
  readonly sourceConditions?: Conditions;
  readonly range?: { readonly start: number; readonly end: number };
}

export interface CompleteRequest extends UploadName {
  readonly parts: readonly CompletePart[];
  readonly conditions?: Conditions;
  /** Of the whole object, as the client announced it. */
  readonly checksum?: StoredChecksum;
  readonly size?: number;
}

export interface CompletePart {
  readonly partNumber: number;
  readonly etag: string;
  readonly checksum?: { readonly algorithm: ChecksumAlgorithm; readonly value: Uint8Array };
}

export interface Objects extends AsyncDisposable {
  createBucket(name: string, owner: string): Promise<BucketInfo>;
  headBucket(name: string): Promise<BucketInfo>;
  /** Rejects with BUCKET_NOT_EMPTY while it holds an object or a version; uploads under way are aborted. */
  deleteBucket(name: string): Promise<void>;
  listBuckets(request: { prefix?: string; after?: string; limit: number }): Promise<ListPage<BucketInfo>>;
  setVersioning(name: string, versioning: "enabled" | "suspended"): Promise<void>;
  getDocument(bucket: string, document: BucketDocument): Promise<Uint8Array | undefined>;
  putDocument(bucket: string, document: BucketDocument, content: Uint8Array): Promise<void>;
  deleteDocument(bucket: string, document: BucketDocument): Promise<void>;

  put(request: PutRequest): Promise<PutResult>;
  get(request: GetRequest): Promise<ObjectRead>;
  /** As get, without a body. */
  stat(request: GetRequest): Promise<ObjectRead>;
  delete(request: DeleteRequest): Promise<DeleteResult>;
  copy(request: CopyRequest): Promise<CopyResult>;
  getTags(name: ObjectName): Promise<{ readonly tags: Tags; readonly versionId: string | undefined }>;
  /** Undefined removes them. */
  setTags(name: ObjectName, tags: Tags | undefined): Promise<{ readonly versionId: string | undefined }>;
  list(request: ListRequest): Promise<ListPage<ObjectInfo>>;
  listVersions(request: VersionListRequest): Promise<VersionPage>;
  /** The parts of an object that was uploaded in parts, for GetObjectAttributes. */
  objectParts(name: ObjectName, after: number, limit: number): Promise<ListPage<PartInfo>>;

  createUpload(request: CreateUploadRequest): Promise<UploadInfo>;
  getUpload(name: UploadName): Promise<UploadInfo>;
  putPart(request: PutPartRequest): Promise<PartInfo>;
  copyPart(request: CopyPartRequest): Promise<PartInfo & { readonly sourceVersionId: string | undefined }>;
  completeUpload(request: CompleteRequest): Promise<PutResult>;
  abortUpload(name: UploadName): Promise<void>;
  /** `next` is a part number as text. */
  listParts(name: UploadName, after: number, limit: number): Promise<ListPage<PartInfo>>;
  listUploads(request: UploadListRequest): Promise<UploadPage>;
}

export interface UploadListRequest extends Omit<ListRequest, "after"> {
  readonly keyMarker: string;
  readonly uploadIdMarker: string | undefined;
}

export interface UploadPage {
  readonly items: readonly UploadInfo[];
  readonly commonPrefixes: readonly string[];
  readonly nextKeyMarker: string | undefined;
  readonly nextUploadIdMarker: string | undefined;
}

export const OBJECT_LIMITS = {
  keyBytesMax: 1024,
  inlineBytesMax: 4096,
  objectBytesMax: 54_975_581_388_800,
  /** Of a single PUT or part: 5 GiB. */
  putBytesMax: 5_368_709_120,
  partBytesMin: 5_242_880,
  partsMax: 10_000,
  userMetadataBytesMax: 2048,
  tagsMax: 10,
  documentBytesMax: 65_536,
  listLimitMax: 1000,
} as const;
