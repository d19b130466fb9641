import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { EMPTY, text, utf8 } from "../../std/bytes.ts";
import { Prng } from "../../std/prng.ts";
import { decodeKeyBound, encodeKeyBound, isMap, RangeMap, ROOT_GROUP } from "../../store/index.ts";
import { assigned } from "./layout.ts";

const bound = (key: string): Uint8Array => encodeKeyBound(utf8(key));
const mapOf = (ranges: ReturnType<typeof assigned>): RangeMap =>
  new RangeMap(
    ranges.map((range) => ({ ...range, revision: 1 })),
    1,
  );
const written = (map: RangeMap): string =>
  map.ranges.map(({ from, group }) => `${text(decodeKeyBound(from))}:${group}`).join(" ");

describe("the map of ranges", () => {
  test("is cut where keys go to another group, and whole again when they come back", () => {
    let map = new RangeMap([], 0);
    map = mapOf(assigned(map, { from: bound("m"), to: EMPTY }, 2));
    assert.equal(written(map), ":1 m:2");
    map = mapOf(assigned(map, { from: bound("c"), to: bound("e") }, 3));
    assert.equal(written(map), ":1 c:3 e:1 m:2");
    map = mapOf(assigned(map, { from: bound("c"), to: bound("e") }, ROOT_GROUP));
    assert.equal(written(map), ":1 m:2");
    map = mapOf(assigned(map, { from: bound("m"), to: EMPTY }, ROOT_GROUP));
    assert.ok(map.isWhole);
  });

  test("covers every key once, whatever goes where", () => {
    const prng = new Prng(7);
    const names = ["", "b", "d", "f", "h", "j", "l"];
    let map = new RangeMap([], 0);
    const groups = names.map(() => ROOT_GROUP as number);
    for (let change = 0; change < 500; change++) {
      const first = prng.below(names.length);
      const end = first + 1 + prng.below(names.length - first);
      const group = 1 + prng.below(4);
      const to = end === names.length ? EMPTY : bound(names[end]!);
      map = mapOf(assigned(map, { from: bound(names[first]!), to }, group));
      groups.fill(group, first, end);
      assert.ok(isMap(map.ranges));
      const found = names.map((name) => map.among({ from: bound(name), to: bound(name) })[0]!.group);
      assert.deepEqual(found, groups);
      for (const [at, range] of map.ranges.entries()) assert.notEqual(range.group, map.ranges[at + 1]?.group);
    }
  });
});
