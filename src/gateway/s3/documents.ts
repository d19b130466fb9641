import { type Policy, storedBucketPolicy } from "../../service/access/index.ts";
import type { BucketDocument, Objects } from "../../service/objects/index.ts";
import { type CorsRule, decodeCors } from "./cors-rules.ts";
import { s3Failure } from "./errors.ts";
import { decodeBucketTags } from "./tagging-document.ts";

/**
 * Buckets' documents in the form that requests are decided by. The service keeps the bytes in its cache and gives the
 * same array again, so what was made of them is found by the array, and goes with it.
 */
export class DocumentCache {
  readonly #objects: Objects;
  readonly #parsed: WeakMap<Uint8Array, unknown> = new WeakMap();

  constructor(objects: Objects) {
    this.#objects = objects;
  }

  /** Rejects with BUCKET_MISSING. */
  async policy(bucket: string): Promise<Policy | undefined> {
    const content = await this.#objects.getDocument(bucket, "policy");
    return content === undefined ? undefined : storedBucketPolicy(content, bucket);
  }

  cors(bucket: string): Promise<readonly CorsRule[] | undefined> {
    return this.#read(bucket, "cors", decodeCors);
  }

  tags(bucket: string): Promise<ReadonlyMap<string, string> | undefined> {
    return this.#read(bucket, "tagging", decodeBucketTags);
  }

  async #read<Parsed>(
    bucket: string,
    document: BucketDocument,
    parse: (content: Uint8Array) => Parsed,
  ): Promise<Parsed | undefined> {
    const content = await this.#objects.getDocument(bucket, document);
    if (content === undefined) return undefined;
    const known = this.#parsed.get(content);
    if (known !== undefined) return known as Parsed;
    const parsed = parseStored(content, parse, { bucket, document });
    this.#parsed.set(content, parsed);
    return parsed;
  }
}

/** It was valid when it was put. Where it no longer is, nobody gets in by what it might have said. */
function parseStored<Parsed>(
  content: Uint8Array,
  parse: (content: Uint8Array) => Parsed,
  data: Readonly<Record<string, unknown>>,
): Parsed {
  try {
    return parse(content);
  } catch (cause) {
    throw s3Failure("InternalError", { what: "A stored document of the bucket can not be read.", data, cause });
  }
}
