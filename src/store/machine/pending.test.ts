import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { compareBytes } from "../../std/bytes.ts";
import { Prng } from "../../std/prng.ts";
import { allRows, indexOf, newIndex, ObservedIndex } from "../testing/indexes.ts";
import { PendingRows } from "./pending.ts";

function row(revision: number) {
  return { revision, lease: 0, value: Uint8Array.of(revision) };
}

describe("pending rows", () => {
  test("stand over the rows of the Index and leave it alone", async () => {
    const index = await newIndex();
    const first = new PendingRows(index);
    first.put(Uint8Array.of(1), row(1));
    first.put(Uint8Array.of(2), row(2));
    assert.equal(allRows(index).length, 0);
    index.write(first.changes());
    const second = new PendingRows(index);
    second.delete(Uint8Array.of(1));
    second.put(Uint8Array.of(2), row(9));
    assert.equal(second.get(Uint8Array.of(1)), undefined);
    assert.equal(second.get(Uint8Array.of(2))?.revision, 9);
    assert.equal(new PendingRows(index).get(Uint8Array.of(2))?.revision, 2);
  });

  test("read each row of the Index once and write only what was written", async () => {
    const index = new ObservedIndex(await newIndex());
    const pending = new PendingRows(index);
    for (let again = 0; again < 3; again++) pending.get(Uint8Array.of(1));
    pending.put(Uint8Array.of(1), row(1));
    pending.put(Uint8Array.of(1), row(2));
    pending.get(Uint8Array.of(2));
    pending.delete(Uint8Array.of(3));
    assert.equal(index.gets, 3);
    const { puts, deletes } = pending.changes();
    assert.equal(puts.length, 1);
    assert.equal(deletes.length, 0, "what was absent needs no deletion");
  });

  test("list the first keys of a range as a rewritten Index would, for random rows and writes", async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const prng = new Prng(seed);
      const key = () => Uint8Array.of(prng.below(3), prng.below(12));
      const index = await newIndex();
      const before = new PendingRows(index);
      for (let count = prng.below(20); count > 0; count--) before.put(key(), row(1));
      index.write(before.changes());
      const pending = new PendingRows(index);
      for (let count = prng.below(20); count > 0; count--) {
        if (prng.chance(0.5)) pending.put(key(), row(2));
        else pending.delete(key());
        if (prng.chance(0.2)) pending.get(key());
      }
      const written = await indexOf(allRows(index));
      written.write(pending.changes());
      for (let limit = 1; limit < 20; limit++) {
        const [from, to] = [key(), key()].sort(compareBytes) as [Uint8Array, Uint8Array];
        const expected = written.scan({ from, to, limit }).map((found) => found.key);
        assert.deepEqual(pending.keys({ from, to }, limit), expected, `seed ${seed}, limit ${limit}`);
      }
    }
  });
});
