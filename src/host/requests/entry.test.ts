import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Entry, EntryType } from "../../core/raft/index.ts";
import { EMPTY, fromHex, text, toHex, utf8 } from "../../std/bytes.ts";
import { batchNameOf, decodeBatch, encodeBatch, fromStored, toStored } from "./entry.ts";

const normal = (hex: string): Entry => ({ index: 5, term: 2, type: EntryType.normal, data: fromHex(hex)! });
const BATCH = "02 ac02 07 02 0161 026263".replaceAll(" ", "");

describe("an entry's bytes", () => {
  test("of a batch name it and its commands", () => {
    const bytes = encodeBatch({ life: 300, sequence: 7 }, [utf8("a"), utf8("bc")]);
    assert.equal(toHex(bytes), BATCH);
    const decoded = decodeBatch(normal(BATCH));
    assert.deepEqual(
      { ...decoded, commands: decoded.commands.map(text) },
      {
        ...{ index: 5, term: 2, life: 300, sequence: 7 },
        commands: ["a", "bc"],
      },
    );
  });

  test("of a group of one from before there were larger ones are still read", () => {
    const decoded = decodeBatch(normal("01020161026263"));
    assert.deepEqual(decoded.commands.map(text), ["a", "bc"]);
    assert.deepEqual([decoded.life, decoded.sequence], [0, 0]);
  });

  test("of a term's first entry are none", () => {
    assert.deepEqual(decodeBatch(normal("")).commands, []);
  });

  test("that are cut off anywhere, or of an unknown kind, are ENTRY_MALFORMED", () => {
    const whole = normal(BATCH).data;
    for (let length = 1; length < whole.length; length++) {
      const entry = { ...normal(""), data: whole.subarray(0, length) };
      assert.throws(() => decodeBatch(entry), { code: "ENTRY_MALFORMED" });
    }
    assert.throws(() => decodeBatch(normal("77")), { code: "ENTRY_MALFORMED" });
  });

  test("keep their type in the log, which knows none", () => {
    for (const [type, data, stored] of [
      [EntryType.normal, fromHex(BATCH)!, BATCH],
      [EntryType.normal, EMPTY, ""],
      [EntryType.confChange, utf8("x"), "0378"],
      [EntryType.confChangeV2, EMPTY, "04"],
      [EntryType.metadata, EMPTY, "05"],
    ] as const) {
      const entry: Entry = { index: 5, term: 2, type, data };
      assert.equal(toHex(toStored(entry)), stored);
      assert.deepEqual(fromStored(5, 2, toStored(entry)), entry);
    }
  });

  test("give a batch's name without its commands, and none where it has no name", () => {
    assert.deepEqual(batchNameOf(normal(BATCH)), { life: 300, sequence: 7 });
    for (const hex of ["", "01020161026263", "02", "02ac"]) assert.equal(batchNameOf(normal(hex)), undefined);
    assert.equal(batchNameOf({ ...normal(BATCH), type: EntryType.confChange }), undefined);
  });
});
