import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8 } from "../../std/bytes.ts";
import { decodeChanges, encodeChanges } from "./history-codec.ts";

test("a commit's changes come back in their order, empty values and deletions apart", () => {
  const changes = [
    { key: utf8("put"), value: utf8("value") },
    { key: utf8("emptied"), value: new Uint8Array(0) },
    { key: utf8("deleted"), value: undefined },
    { key: new Uint8Array(0), value: new Uint8Array(300_000).fill(7) },
  ];
  assert.deepEqual(decodeChanges(encodeChanges(changes)), changes);
  assert.deepEqual(decodeChanges(encodeChanges([])), []);
});
