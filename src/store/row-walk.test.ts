import assert from "node:assert/strict";
import { test } from "node:test";
import type { IndexRange, IndexRow } from "../env/index.ts";
import { SimIndexes } from "../env/sim/index.ts";
import { compareBytes } from "../std/bytes.ts";
import { Prng } from "../std/prng.ts";
import { type RowSource, RowWalk, type WalkOptions } from "./row-walk.ts";

function walked(source: RowSource, options: WalkOptions): IndexRow[] {
  const walk = new RowWalk(source, options);
  const rows: IndexRow[] = [];
  for (let row = walk.next(); row !== undefined; row = walk.next()) rows.push(row);
  assert.equal(walk.next(), undefined);
  return rows;
}

async function indexOf(rows: readonly IndexRow[]) {
  const index = await new SimIndexes().mount().open("index");
  index.write({ puts: rows, deletes: [] });
  return index;
}

test("a walk gives what one scan of the range would, in both directions, whatever the sizes of the rows", async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const prng = new Prng(seed);
    const rows = Array.from({ length: prng.below(300) }, () => ({
      key: prng.bytes(1 + prng.below(3)),
      value: new Uint8Array(prng.chance(0.1) ? 20_000 : 10),
    }));
    const index = await indexOf(rows);
    const [from, to] = [prng.bytes(2), prng.bytes(2)].sort(compareBytes) as [Uint8Array, Uint8Array];
    for (const reverse of [false, true]) {
      for (const rowsMax of [0, 1, 15, 16, 17, 100, 1000]) {
        const expected = index.scan({ from, to, limit: rowsMax, reverse });
        assert.deepEqual(walked(index, { bounds: { from, to }, reverse, rowsMax }), expected, `seed ${seed}`);
      }
    }
    assert.deepEqual(walked(index, {}), index.scan({ limit: 1000 }), `seed ${seed}`);
  }
});

test("a walk reads few rows at a time where they are large, and no more than it was told", async () => {
  const large = Array.from({ length: 100 }, (_, at) => ({ key: Uint8Array.of(at), value: new Uint8Array(100_000) }));
  const index = await indexOf(large);
  const limits: number[] = [];
  const source = {
    scan(range: IndexRange) {
      limits.push(range.limit);
      return index.scan(range);
    },
  };
  assert.equal(walked(source, { rowsMax: 40 }).length, 40);
  assert.ok(limits.slice(1).every((limit) => limit === 1));
  assert.equal(
    limits.reduce((sum, limit) => sum + limit, 0),
    40,
  );
});

test("a walk goes on in a snapshot of the state in which it began", async () => {
  const rows = Array.from({ length: 200 }, (_, at) => ({ key: Uint8Array.of(at), value: Uint8Array.of(1) }));
  const index = await indexOf(rows);
  const walk = new RowWalk(index);
  const seen = [walk.next()];
  const snapshot = index.snapshot();
  walk.moveTo(snapshot);
  index.write({ puts: [], deletes: rows.map(({ key }) => key) });
  for (let row = walk.next(); row !== undefined; row = walk.next()) seen.push(row);
  assert.deepEqual(seen, rows);
  snapshot.close();
});
