import { assert } from "../std/assert.ts";

/** What LMDB's pages of 4 KiB can hold. */
export const INDEX_KEY_BYTES_MAX = 1_978;
export const INDEX_VALUE_BYTES_MAX: number = 16 * 1_048_576;

export function checkIndexKey(key: Uint8Array): void {
  assert(key.length > 0, "an index key is not empty");
  assert(key.length <= INDEX_KEY_BYTES_MAX, "an index key is at most 1,978 bytes long");
}

export function checkIndexValue(value: Uint8Array): void {
  assert(value.length <= INDEX_VALUE_BYTES_MAX, "an index value is at most 16 MiB long");
}
