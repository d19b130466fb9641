import { utf8 } from "../../../std/bytes.ts";
import { collect, sourceOf } from "../../../std/source.ts";
import type { Body, Conditions, ObjectMetadata, Objects, PutResult, VersionInfo } from "../index.ts";

export const NO_METADATA: ObjectMetadata = { user: new Map<string, string>() };

export function bodyOf(content: Uint8Array | string, more: Partial<Body> = {}): Body {
  const bytes = typeof content === "string" ? utf8(content) : content;
  return { source: sourceOf(bytes), length: bytes.length, expected: {}, ...more };
}

export interface ShortCalls {
  newBucket(versioning?: "enabled" | "suspended"): Promise<string>;
  put(bucket: string, key: string, content: Uint8Array | string, conditions?: Conditions): Promise<PutResult>;
  get(bucket: string, key: string, versionId?: string): Promise<string>;
  versionsOf(bucket: string, prefix?: string): Promise<VersionInfo[]>;
}

/** What most tests of a service do with it, each in a bucket of its own. */
export function shortCalls(objects: () => Objects): ShortCalls {
  let buckets = 0;
  return {
    async newBucket(versioning) {
      const name = `bucket-${++buckets}`;
      await objects().createBucket(name, "me");
      if (versioning !== undefined) await objects().setVersioning(name, versioning);
      return name;
    },
    put: (bucket, key, content, conditions) =>
      objects().put({ bucket, key, body: bodyOf(content), metadata: NO_METADATA, ...(conditions && { conditions }) }),
    async get(bucket, key, versionId) {
      const read = await objects().get({ bucket, key, versionId });
      return new TextDecoder().decode(await collect(read.body!, 1 << 30));
    },
    async versionsOf(bucket, prefix = "") {
      const request = { bucket, prefix, delimiter: "", keyMarker: "", versionIdMarker: undefined, limit: 1000 };
      return [...(await objects().listVersions(request)).items];
    },
  };
}
