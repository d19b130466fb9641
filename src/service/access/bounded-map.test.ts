import assert from "node:assert/strict";
import { test } from "node:test";
import { BoundedMap } from "./bounded-map.ts";

test("a full map lets go of the entry that was not looked up", () => {
  const map = new BoundedMap<number>(3);
  for (const [key, value] of Object.entries({ a: 1, b: 2, c: 3 })) map.set(key, value);
  assert.equal(map.get("a"), 1);
  map.set("d", 4);
  assert.equal(map.size, 3);
  assert.equal(map.get("b"), undefined);
  assert.deepEqual([map.get("a"), map.get("c"), map.get("d")], [1, 3, 4]);
});

test("a map whose entries are all in use lets go of the oldest, and never grows", () => {
  const map = new BoundedMap<number>(3);
  for (let at = 0; at < 100; at++) {
    map.set(`k${at}`, at);
    for (let back = 0; back < 3; back++) map.get(`k${at - back}`);
    assert.ok(map.size <= 3);
    assert.equal(map.get(`k${at}`), at);
  }
  assert.deepEqual(
    [97, 98, 99].map((at) => map.get(`k${at}`)),
    [97, 98, 99],
  );
});

test("setting a key again replaces its value and does not count twice", () => {
  const map = new BoundedMap<number>(2);
  map.set("a", 1);
  map.set("a", 2);
  map.set("b", 3);
  assert.deepEqual([map.get("a"), map.get("b"), map.size], [2, 3, 2]);
  map.delete("a");
  assert.equal(map.get("a"), undefined);
  map.clear();
  assert.equal(map.size, 0);
});
