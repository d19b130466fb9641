import type { Random } from "../../env/index.ts";
import { concatBytes, partOf, prefixEnd, strictText, utf8 } from "../../std/bytes.ts";
import type { RowAddress, RowKey } from "../../store/index.ts";
import { TABLES } from "../../store/index.ts";
import { objectFailure } from "./errors.ts";
import { OBJECT_LIMITS } from "./objects.ts";

// Store keys of this service. All rows of one object key share the Store key `bucket id + key`, so they live in one range; the
// suffix tells versions, parts and pages apart. A bucket id has a fixed length, so a prefix of keys is a range of rows.

export const BUCKET_ID_CHARACTERS = 13;
const DIGITS = "0123456789abcdefghijklmnopqrstuv";
const ORDER_CHARACTERS = 11;
const TIMED_ID_CHARACTERS = ORDER_CHARACTERS + 21;
const ORDERS_A_MILLISECOND = 1024;

/** Random letters of which 2^65 exist: never used twice. */
export function newBucketId(random: Random): string {
  return randomDigits(random, BUCKET_ID_CHARACTERS);
}

export function objectKey(bucketId: string, key: string): Uint8Array {
  if (key === "" || !key.isWellFormed()) throw objectFailure("KEY_INVALID");
  const whole = utf8(bucketId + key);
  const bytes = whole.length - BUCKET_ID_CHARACTERS;
  if (bytes > OBJECT_LIMITS.keyBytesMax) throw objectFailure("KEY_TOO_LONG", { data: { bytes } });
  return whole;
}

/** The key in a Store key. */
export function keyOf(storeKey: Uint8Array): string {
  return strictText(partOf(storeKey, BUCKET_ID_CHARACTERS)) ?? "";
}

/** A bound of the rows whose keys begin with the text, or stand at it. */
export function keyBound(bucketId: string, start: string): RowKey {
  return { key: utf8(bucketId + start) };
}

export function rowsOfBucket(bucketId: string): { readonly from: RowKey; readonly to: RowKey } {
  const key = utf8(bucketId);
  return { from: { key }, to: { key: prefixEnd(key)! } };
}

/** All rows of one table under one key. */
export function rowsOfKey(key: Uint8Array): { readonly from: RowKey; readonly to: RowKey } {
  return { from: { key }, to: { key: concatBytes([key, new Uint8Array(1)]) } };
}

/** The rows of one key whose suffixes begin with the text. */
export function rowsOfSuffix(key: Uint8Array, suffix: Uint8Array): { readonly from: RowKey; readonly to: RowKey } {
  return { from: { key, suffix }, to: { key, suffix: prefixEnd(suffix)! } };
}

export function bucketRow(name: string): RowAddress {
  return { table: TABLES.bucket, key: utf8(name) };
}

export function documentRow(bucketId: string, document: string): RowAddress {
  return { table: TABLES.bucketConfiguration, key: utf8(bucketId), suffix: utf8(document) };
}

export function objectRow(key: Uint8Array): RowAddress {
  return { table: TABLES.object, key };
}

export function bodyRow(key: Uint8Array, suffix: Uint8Array): RowAddress {
  return { table: TABLES.body, key, suffix };
}

/** What every change of a key with versions reads, checks and writes, so that two of them never pass each other. */
export function headRow(key: Uint8Array): RowAddress {
  return { table: TABLES.version, key };
}

export function versionRow(key: Uint8Array, suffix: Uint8Array): RowAddress {
  return { table: TABLES.version, key, suffix };
}

export function uploadRow(key: Uint8Array, uploadId: string): RowAddress {
  return { table: TABLES.upload, key, suffix: utf8(uploadId) };
}

export function partRow(key: Uint8Array, uploadId: string, partNumber: number): RowAddress {
  return { table: TABLES.part, key, suffix: utf8(uploadId + String(partNumber).padStart(5, "0")) };
}

/** The part rows of one upload. */
export function rowsOfUpload(key: Uint8Array, uploadId: string): { readonly from: RowKey; readonly to: RowKey } {
  return rowsOfSuffix(key, utf8(uploadId));
}

export function partNumberOf(suffix: Uint8Array): number {
  return Number(strictText(suffix.slice(-5)));
}

/** Page numbers sort; the last suffix of a manifest is its tombstone's. */
export function pageRow(key: Uint8Array, manifest: Uint8Array, page: number): RowAddress {
  return { table: TABLES.manifest, key, suffix: concatBytes([manifest, utf8(String(page).padStart(6, "0"))]) };
}

/** The manifest's id in the suffix of one of its rows. */
export function manifestOf({ suffix }: RowKey): Uint8Array {
  return partOf(suffix!, 0, TIMED_ID_CHARACTERS);
}

export function isManifestTombstone({ table, suffix }: RowAddress): boolean {
  return table === TABLES.manifest && suffix?.length === TIMED_ID_CHARACTERS + 4;
}

export function manifestTombstone(key: Uint8Array, manifest: Uint8Array): RowAddress {
  return { table: TABLES.manifest, key, suffix: concatBytes([manifest, utf8("gone")]) };
}

/** The next place in a key's order of versions: follows the clock, but never stands still or goes back. */
export function nextOrder(nowMillis: number, lastOrder: number): number {
  return Math.max(nowMillis * ORDERS_A_MILLISECOND, lastOrder + 1);
}

/** Version ids sort newest first: the inverted order, then letters that make it unique. */
export function versionIdFor(order: number, random: Random): string {
  return invertedDigits(order) + randomDigits(random, 13);
}

export function versionSuffix(record: { readonly versionId: string | undefined; readonly order: number }): Uint8Array {
  const { versionId, order } = record;
  return utf8(versionId === undefined || versionId === "null" ? `${invertedDigits(order)}null` : versionId);
}

/** "null" and the empty id name no version row of their own. */
export function isVersionId(text: string): boolean {
  return text === "null" || (text.length === ORDER_CHARACTERS + 13 && /^[0-9a-v]+$/.test(text));
}

/** Upload and manifest ids begin with their time, so that the oldest come first and an orphan's age shows. */
export function newTimedId(nowMillis: number, random: Random): string {
  return digits(nowMillis, ORDER_CHARACTERS) + randomDigits(random, 21);
}

export function timeOfId(id: string): number {
  let value = 0;
  for (let at = 0; at < ORDER_CHARACTERS; at++) value = value * 32 + DIGITS.indexOf(id[at]!);
  return value;
}

function invertedDigits(order: number): string {
  return digits(Number.MAX_SAFE_INTEGER - order, ORDER_CHARACTERS);
}

function digits(value: number, length: number): string {
  let out = "";
  let rest = value;
  for (let at = 0; at < length; at++) {
    out = DIGITS[rest % 32]! + out;
    rest = Math.floor(rest / 32);
  }
  return out;
}

function randomDigits(random: Random, length: number): string {
  let out = "";
  for (const byte of random.bytes(length)) out += DIGITS[byte & 31]!;
  return out;
}
