import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng } from "../../std/prng.ts";
import { fuzzRuns, simulationSeeds } from "../../testing/seeds.ts";
import { LeafWorld } from "./testing/world.ts";

// Targets that almost fit. Whatever comes, the answer is one of Leaf's forms: digits with 200, or a failure's JSON; and no id comes
// twice, and none is zero.

const RUNS = fuzzRuns(3000);

const PATHS = [
  ...["/api/segment/get/", "/api/snowflake/get/", "/api/segment/get", "/api/segment/", "/api/segment/tags", "/cache"],
  ...["/db", "/decodeSnowflakeId", "/", "", "*", "//", "http://x/api/segment/get/t", "/api/segment/get/t"],
];
const KEYS = [
  "t",
  "t/",
  "t//",
  "/t",
  "none",
  "",
  "%",
  "%zz",
  "%ff",
  "%00",
  "\u00e9",
  "%E4%B8%AD",
  "x".repeat(200),
  "t;a=b",
  "t.x",
  "..",
];
const NAMES = ["size", "format", "after", "limit", "snowflakeId", "generator", "%73ize", "x", ""];
const VALUES = [
  ...[
    "1",
    "0",
    "-1",
    "5",
    "100001",
    "999999999",
    "9999999999",
    "1e3",
    "0x10",
    "%31",
    "+1",
    " 1",
    "json",
    "text",
    "xml",
  ],
  ...["", "t", "leaf", "flake", "baidu", "none", "%ff", "%", "9223372036854775807", "-9223372036854775808", "\u0661"],
  ...["340282366920938463463374607431768211455", "1541815603606036480"],
];
const METHODS = ["GET", "HEAD", "POST", "OPTIONS", "TRACE", "get", "BREW"];
const LETTERS = "%&=?/;+#.\u00ff\u0000 aT1";

for (const seed of simulationSeeds(2)) {
  test(`targets that almost fit are answered in Leaf's forms (seed ${seed})`, async () => {
    const prng = new Prng(seed);
    const world = new LeafWorld();
    const node = await world.node("a");
    await world.bench.settle(node.ids.createTag("t", { step: 1000 }));
    const seen = new Set<string>();
    for (let run = 0; run < RUNS; run++) {
      const target = targetOf(prng);
      const method = prng.chance(0.8) ? "GET" : prng.pick(METHODS);
      const { status, type, code, text } = await world.bench.settle(node.call(target, { method }));
      const told = `seed ${seed}, run ${run}: ${method} ${JSON.stringify(target)}: ${status} ${text.slice(0, 200)}`;
      assert.deepEqual(node.unexpected, [], told);
      if (method === "OPTIONS" || method === "HEAD") continue;
      if (status !== 200) {
        const failure = JSON.parse(text);
        assert.ok(failure.status === status && code !== undefined && typeof failure.message === "string", told);
      } else if (node.records.at(-1)!.operation === "segment") {
        const ids: string[] = type!.startsWith("text") ? text.split("\n") : JSON.parse(text).ids;
        for (const id of ids) assert.ok(/^[1-9]\d*$/.test(id) && !seen.has(id) && seen.add(id), told);
      }
    }
    assert.ok(seen.size > 0);
    await node.stop();
  });
}

function targetOf(prng: Prng): string {
  const path = prng.pick(PATHS) + (prng.chance(0.6) ? prng.pick(KEYS) : "");
  const parameters = Array.from({ length: prng.below(3) }, () => `${prng.pick(NAMES)}=${prng.pick(VALUES)}`);
  const target = parameters.length === 0 ? path : `${path}?${parameters.join("&")}`;
  if (!prng.chance(0.2) || target === "") return target;
  const at = prng.below(target.length);
  return target.slice(0, at) + LETTERS[prng.below(LETTERS.length)]! + target.slice(at + prng.below(2));
}
