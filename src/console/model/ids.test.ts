import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { IdsStatus } from "../api/shapes.ts";
import { aheadMark, idsSentence, troubleName } from "./ids.ts";

const NOTHING: IdsStatus = { generators: [], tags: [], troubles: [] };
const GENERATOR = { generator: "twitter", made: 1, aheadMillis: 0, waiting: 0 };
const TROUBLE = { code: "TAG_USED_UP", what: "No number is left.", since: "2026-01-01T00:00:00.000Z" };

describe("how ids are shown", () => {
  test("what could not be had comes before everything else", () => {
    assert.equal(idsSentence(NOTHING), "Nobody has asked this node for ids since it started.");
    assert.equal(idsSentence({ ...NOTHING, generators: [GENERATOR] }), "Whoever asked this node for ids got them.");
    const troubles = [{ ...TROUBLE, tag: "orders" }];
    assert.equal(idsSentence({ ...NOTHING, generators: [GENERATOR], troubles }), "1 generator or tag gave no ids.");
    assert.equal(troubleName(troubles[0]!), "Tag orders");
    assert.equal(troubleName({ ...TROUBLE, generator: "twitter" }), "Generator twitter");
  });

  test("a generator that is further ahead than it may run stands out", () => {
    assert.deepEqual(aheadMark(GENERATOR), { tone: "quiet", word: "no" });
    assert.deepEqual(aheadMark({ ...GENERATOR, aheadMillis: 100 }), { tone: "quiet", word: "100 ms" });
    assert.equal(aheadMark({ ...GENERATOR, aheadMillis: 60_000 }).tone, "warning");
  });
});
