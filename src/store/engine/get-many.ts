import { checkBytesRead } from "../read-rules.ts";
import type { Row } from "../store.ts";

/** Of the first answer, where nothing is known of the rows' sizes yet; and of any. */
const KEYS_FIRST = 16;
const KEYS_MAX = 100;
const ANSWER_BYTES = 4 * 1024 * 1024;

/**
 * Reads rows in answers of bounded size, which is estimated by the rows before. `read` gets some of the keys and where
 * they begin. Throws TOO_LARGE where the rows together exceed the Store's limit.
 */
export async function readInChunks(
  keys: readonly Uint8Array[],
  read: (keys: readonly Uint8Array[], from: number) => Promise<readonly (Row | undefined)[]>,
): Promise<readonly (Row | undefined)[]> {
  const rows: (Row | undefined)[] = [];
  let bytes = 0;
  for (let count = KEYS_FIRST; rows.length < keys.length; ) {
    for (const row of await read(keys.slice(rows.length, rows.length + count), rows.length)) {
      checkBytesRead((bytes += row?.value.length ?? 0));
      rows.push(row);
    }
    count = Math.max(1, Math.min(KEYS_MAX, Math.floor((ANSWER_BYTES * rows.length) / Math.max(1, bytes))));
  }
  return rows;
}
