import assert from "node:assert/strict";
import { test } from "node:test";
import { chunksOf, sourceFrom } from "../../../src/std/source.ts";
import { KeyValues } from "./key-values.ts";

const put = (key: string, value: string): Uint8Array => Buffer.from(`${String.fromCharCode(key.length)}${key}${value}`);
const found = (values: KeyValues, key: string): string | undefined =>
  values.get(key) && Buffer.from(values.get(key)!).toString();

test("a later put takes the place of an earlier one, and the command's memory is not kept", () => {
  const values = new KeyValues();
  const command = put("a", "2");
  values.apply([{ index: 7, term: 1, commands: [put("a", "1"), put("b", ""), command] }]);
  command.fill(0);
  assert.equal(values.appliedIndex, 7);
  assert.deepEqual([found(values, "a"), found(values, "b"), found(values, "c")], ["2", "", undefined]);
});

test("what was captured is restored as it was, whatever came behind it and however it is cut", async () => {
  const values = new KeyValues();
  const commands = Array.from({ length: 50 }, (_, at) => put(`key ${at}`, `value ${at}`));
  values.apply([{ index: 1, term: 1, commands }]);
  const capture = values.capture();
  values.apply([{ index: 2, term: 1, commands: [put("key 1", "later")] }]);
  async function* singleBytes(): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunksOf(capture.read())) for (const byte of chunk) yield Uint8Array.of(byte);
  }
  const restored = new KeyValues();
  restored.apply([{ index: 1, term: 1, commands: [put("gone", "1")] }]);
  await restored.restore(sourceFrom(singleBytes()), 9);
  assert.equal(restored.appliedIndex, 9);
  assert.equal(found(restored, "gone"), undefined);
  for (let at = 0; at < 50; at++) assert.equal(found(restored, `key ${at}`), `value ${at}`);
});
