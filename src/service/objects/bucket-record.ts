import { assert } from "../../std/assert.ts";
import { ByteReader } from "../../std/reader.ts";
import { ByteWriter } from "../../std/writer.ts";
import type { BucketInfo, Versioning } from "./objects.ts";

export interface BucketRecord {
  readonly id: string;
  readonly createdMillis: number;
  readonly owner: string;
  readonly versioning: Versioning;
  /** Being deleted by one of several nodes: no write begins, and those under way come to nothing. */
  readonly isClosing: boolean;
}

const RECORD_VERSION = 1;
/** `flat`: the rows are S3 keys. Buckets with a tree of inodes come with the file protocols. */
const FLAT_LAYOUT = 1;
const VERSIONINGS: readonly Versioning[] = ["off", "enabled", "suspended"];

export function encodeBucketRecord(record: BucketRecord): Uint8Array {
  const writer = new ByteWriter(128).u8(RECORD_VERSION).u8(FLAT_LAYOUT);
  writer.string(record.id).varint(record.createdMillis).string(record.owner);
  writer.u8(VERSIONINGS.indexOf(record.versioning));
  return (record.isClosing ? writer.u8(1) : writer).finish();
}

export function decodeBucketRecord(value: Uint8Array): BucketRecord {
  const reader = new ByteReader(value);
  assert(reader.u8() === RECORD_VERSION, "a bucket's row has a version that this code knows");
  assert(reader.u8() === FLAT_LAYOUT, "a bucket has a layout that this code knows");
  return {
    id: reader.string(),
    createdMillis: reader.varint(),
    owner: reader.string(),
    versioning: VERSIONINGS[reader.u8()]!,
    isClosing: reader.remaining > 0 && reader.u8() === 1,
  };
}

export function bucketInfo(name: string, record: BucketRecord): BucketInfo {
  return { name, createdMillis: record.createdMillis, owner: record.owner, versioning: record.versioning };
}

/** S3's rules for general purpose buckets. */
export function isBucketName(name: string): boolean {
  return (
    /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) &&
    !/\.[.-]|-\./.test(name) &&
    !/^\d+\.\d+\.\d+\.\d+$/.test(name) &&
    !name.startsWith("xn--") &&
    !name.endsWith("-s3alias")
  );
}
