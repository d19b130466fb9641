import { invariant } from "../../kernel/index.ts";

interface Scratch {
  isDeleted: boolean;
  readonly acknowledged: Map<string, string>;
}

/** A bucket is deleted only while it is empty. Nobody deletes an object of these: an acknowledged one keeps its bucket. */
export class DeletedBuckets {
  readonly #buckets = new Map<string, Scratch>();

  get entries(): ReadonlyMap<string, Readonly<Scratch>> {
    return this.#buckets;
  }

  begins(bucket: string): void {
    this.#buckets.set(bucket, { isDeleted: false, acknowledged: new Map() });
  }

  deleted(bucket: string): void {
    this.#buckets.get(bucket)!.isDeleted = true;
    this.#check(bucket);
  }

  put(bucket: string, key: string, body: string): void {
    this.#buckets.get(bucket)!.acknowledged.set(key, body);
    this.#check(bucket);
  }

  /** What the key holds when all is over; undefined where the bucket is gone. */
  check(bucket: string, key: string, found: string | null | undefined): void {
    const body = this.#buckets.get(bucket)!.acknowledged.get(key);
    invariant(found === body, "an acknowledged object has gone with its bucket", () => `${bucket}/${key}: ${found}`);
  }

  #check(bucket: string): void {
    const { isDeleted, acknowledged } = this.#buckets.get(bucket)!;
    const isLost = isDeleted && acknowledged.size > 0;
    invariant(!isLost, "a bucket was deleted that holds an acknowledged object", () => bucket);
  }
}
