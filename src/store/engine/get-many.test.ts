import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8 } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { type Row, STORE_LIMITS } from "../store.ts";
import { readInChunks } from "./get-many.ts";

const KEYS = Array.from({ length: 1000 }, (_, number) => utf8(`key ${number}`));

function rowOf(key: Uint8Array, valueBytes: number): Row {
  return { table: 200, key, suffix: new Uint8Array(0), value: new Uint8Array(valueBytes), revision: 1 };
}

test("rows come in the order of their keys, in few answers where they are small", async () => {
  let answers = 0;
  const rows = await readInChunks(KEYS, async (keys, from) => {
    answers++;
    assert.deepEqual(keys[0], KEYS[from]);
    return keys.map((key) => rowOf(key, 10));
  });
  assert.deepEqual(
    rows.map((row) => row!.key),
    KEYS,
  );
  assert.ok(answers <= 11, `${answers} answers`);
});

test("no answer is much larger than 4 MiB, and what is too much in all is refused before it is read", async () => {
  const valueBytes = STORE_LIMITS.valueBytesMax;
  let read = 0;
  const reading = readInChunks(KEYS, async (keys) => {
    assert.ok(keys.length * valueBytes <= 4 * 1024 * 1024);
    read += keys.length * valueBytes;
    return keys.map((key) => rowOf(key, valueBytes));
  });
  await assert.rejects(reading, (error) => hasCode(error, "TOO_LARGE"));
  assert.ok(read <= STORE_LIMITS.getManyBytesMax + 4 * 1024 * 1024);
});
