import type { Blobs } from "../../blob/index.ts";
import type { Clock, Compute, Random, Timers } from "../../env/index.ts";
import type { Store } from "../../store/index.ts";
import { Buckets } from "./buckets.ts";
import { type CleanerOptions, TombstoneCleaner } from "./cleaner.ts";
import type { Context } from "./context.ts";
import { rowsOfBucket } from "./keys.ts";
import { Listing } from "./listing.ts";
import { ObjectReader } from "./object-reader.ts";
import { ObjectWriter } from "./object-writer.ts";
import type { Objects } from "./objects.ts";
import { NO_OBJECT_BUGS, type ObjectBugs } from "./seeded-bugs.ts";
import { Uploads } from "./uploads.ts";

export interface ObjectsParts {
  readonly store: Store;
  readonly blobs: Blobs;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly compute: Compute;
  /** What the background work could not do; it tries again. */
  readonly onError: (error: unknown) => void;
  readonly cleaner?: Partial<CleanerOptions>;
  /** Other nodes change the same Store. */
  readonly isShared?: boolean;
  readonly bugs?: ObjectBugs;
}

/** The objects service: one room a family of calls, and the cleaner behind them. */
export function openObjects(parts: ObjectsParts): Objects {
  const cleaner = new TombstoneCleaner(parts, parts.onError, parts.cleaner);
  const context: Context = { ...parts, cleaner, bugs: parts.bugs ?? NO_OBJECT_BUGS };
  const buckets: Buckets = new Buckets(parts, (id) => uploads.abortAll(rowsOfBucket(id)));
  const reader = new ObjectReader(context, buckets);
  const writer = new ObjectWriter(context, buckets, reader);
  const uploads = new Uploads(context, buckets, reader);
  const listing = new Listing(context, buckets);
  cleaner.start();
  return {
    createBucket: (name, owner) => buckets.create(name, owner),
    headBucket: (name) => buckets.info(name),
    deleteBucket: (name) => buckets.delete(name),
    listBuckets: (request) => buckets.list(request),
    setVersioning: (name, versioning) => buckets.setVersioning(name, versioning),
    getDocument: (bucket, document) => buckets.getDocument(bucket, document),
    putDocument: (bucket, document, content) => buckets.putDocument(bucket, document, content),
    deleteDocument: (bucket, document) => buckets.deleteDocument(bucket, document),
    put: (request) => writer.put(request),
    get: (request) => reader.get(request),
    stat: (request) => reader.stat(request),
    delete: (request) => writer.delete(request),
    copy: (request) => writer.copy(request),
    getTags: (name) => reader.getTags(name),
    setTags: (name, tags) => writer.setTags(name, tags),
    list: (request) => listing.list(request),
    listVersions: (request) => listing.listVersions(request),
    objectParts: (name, after, limit) => reader.objectParts(name, after, limit),
    createUpload: (request) => uploads.create(request),
    getUpload: (name) => uploads.get(name),
    putPart: (request) => uploads.putPart(request),
    copyPart: (request) => uploads.copyPart(request),
    completeUpload: (request) => uploads.complete(request),
    abortUpload: (name) => uploads.abort(name),
    listParts: (name, after, limit) => uploads.listParts(name, after, limit),
    listUploads: (request) => listing.listUploads(request),
    [Symbol.asyncDispose]: () => cleaner[Symbol.asyncDispose](),
  };
}
