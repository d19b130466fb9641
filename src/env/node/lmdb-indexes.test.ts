import { equal } from "node:assert/strict";
import { describe, test } from "node:test";
import { indexConformance } from "../conformance/index-suite.ts";
import { temporaryFolder } from "../conformance/temporary-folder.ts";
import { LmdbIndexes } from "./lmdb-indexes.ts";

describe("LmdbIndexes", () => {
  indexConformance(test, async () => {
    const folder = await temporaryFolder();
    return { indexes: new LmdbIndexes(folder.path), [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
  });

  test("an index outgrows its map while snapshots of its smaller self are open", async () => {
    await using folder = await temporaryFolder();
    const index = await new LmdbIndexes(folder.path, 262_144).open("index");
    const snapshots = [];
    const value = new Uint8Array(3_000);
    for (let batch = 0; batch < 60; batch++) {
      const puts = Array.from({ length: 20 }, (_, at) => ({ key: Uint8Array.of(batch, at), value: value.fill(batch) }));
      index.write({ puts, deletes: [] });
      if (batch % 6 === 0) snapshots.push(index.snapshot());
      equal(index.get(Uint8Array.of(batch, 7))?.[2_999], batch);
    }
    snapshots.forEach((snapshot, at) => {
      const rows = snapshot.scan({ limit: 10_000 });
      equal(rows.length, (at * 6 + 1) * 20);
      for (const { key, value: bytes } of rows) equal(bytes[1_000], key[0]);
      snapshot.close();
    });
    equal(index.scan({ limit: 10_000, reverse: true }).length, 1_200);
    await index.close();
  });
});
