// A commit's changes as a row of the history: count, then for each the key and, behind 1, the value; 0 is a deletion.

import { ByteReader } from "../../std/reader.ts";
import { ByteWriter } from "../../std/writer.ts";
import type { RowChange } from "../machine.ts";

export function encodeChanges(changes: readonly RowChange[]): Uint8Array {
  const writer = new ByteWriter(256).varint(changes.length);
  for (const { key, value } of changes) {
    writer.blob(key);
    if (value === undefined) writer.u8(0);
    else writer.u8(1).blob(value);
  }
  return writer.finish();
}

/** The changes share the memory of the bytes. */
export function decodeChanges(bytes: Uint8Array): RowChange[] {
  const reader = new ByteReader(bytes);
  const count = reader.varint();
  return Array.from({ length: count }, () => {
    const key = reader.blob();
    return { key, value: reader.u8() === 0 ? undefined : reader.blob() };
  });
}
