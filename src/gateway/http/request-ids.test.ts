import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng } from "../../std/prng.ts";
import { RequestIds } from "./request-ids.ts";

test("ids are 16 hexadecimal digits, distinct, and in the order in which they were made", () => {
  const ids = new RequestIds(new Prng(1));
  const made = Array.from({ length: 1000 }, () => ids.next());
  assert.equal(new Set(made).size, 1000);
  assert.deepEqual(made, made.toSorted());
  for (const id of made) assert.match(id, /^[0-9A-F]{16}$/);
});

test("two processes make different ids and host ids", () => {
  const one = new RequestIds(new Prng(1));
  const other = new RequestIds(new Prng(2));
  assert.notEqual(one.next().slice(0, 8), other.next().slice(0, 8));
  assert.notEqual(one.hostId, other.hostId);
});
