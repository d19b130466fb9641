import { strictText, text, utf8 } from "../../std/bytes.ts";
import { type Row, STORE_LIMITS, type Store, TABLES } from "../../store/index.ts";
import { decodeBucketRecord } from "./bucket-record.ts";
import { BUCKET_ID_CHARACTERS } from "./keys.ts";

export interface NamedOwner {
  readonly bucket: string;
  readonly key: string;
}

/** The Store key under which an object's bytes were appended, taken apart. Undefined where it is none of an object. */
export function splitOwner(owner: Uint8Array): { readonly bucketId: string; readonly key: string } | undefined {
  const bucketId = strictText(owner.subarray(0, BUCKET_ID_CHARACTERS));
  const key = strictText(owner.subarray(BUCKET_ID_CHARACTERS));
  const isOne = bucketId !== undefined && key !== undefined && key !== "" && /^[0-9a-v]+$/.test(bucketId);
  return isOne && bucketId.length === BUCKET_ID_CHARACTERS ? { bucketId, key } : undefined;
}

/**
 * The object that bytes were appended for: for an operator who has to restore it. Goes through the buckets, since rows
 * know a bucket's id only. Undefined where the bucket is gone. Copies of the object share its bytes and are not told.
 */
export async function nameOfOwner(store: Pick<Store, "scan">, owner: Uint8Array): Promise<NamedOwner | undefined> {
  const parts = splitOwner(owner);
  if (parts === undefined) return undefined;
  let after: Row | undefined;
  for (;;) {
    const range = after === undefined ? { from: { key: utf8("") } } : { after };
    const page = await store.scan(TABLES.bucket, range, { limit: STORE_LIMITS.scanRowsMax });
    const found = page.rows.find((row) => decodeBucketRecord(row.value).id === parts.bucketId);
    if (found !== undefined) return { bucket: text(found.key), key: parts.key };
    after = page.rows.at(-1);
    if (!page.more || after === undefined) return undefined;
  }
}
