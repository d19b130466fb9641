import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decodeId, defineLayout, LAYOUTS } from "../../core/id/index.ts";
import { text } from "../../std/bytes.ts";
import { storeFailure } from "../../store/index.ts";
import { Bench, NOW } from "./testing/service.ts";

const SMALL = defineLayout({ timeBits: 41, workerBits: 1, sequenceBits: 2, epochMillis: NOW - 1000 });

describe("ids of generators", () => {
  test("ascend, over calls and forms, and carry the node's worker number and the time", async () => {
    const bench = new Bench();
    const { ids } = bench.node("a");
    const two = await bench.settle(ids.next("twitter", 2));
    const three = (await bench.settle(ids.nextTexts("twitter", 3))).map(BigInt);
    const lines = text(await bench.settle(ids.nextLines("twitter", 4)));
    const filled = new BigUint64Array(5);
    await bench.settle(ids.fill("twitter", filled));
    assert.match(lines, /^(\d+\n){4}$/);
    const all = [...two, ...three, ...lines.trim().split("\n").map(BigInt), ...filled];
    assert.equal(all.length, 14);
    assert.ok(all.every((id, at) => at === 0 || id > all[at - 1]!));
    for (const id of all) {
      const { timeMillis, worker } = decodeId(id, LAYOUTS.twitter);
      assert.equal(worker, 0);
      assert.ok(Math.abs(timeMillis - NOW) <= 100, `${timeMillis - NOW} ms`);
    }
    await bench.settle(ids[Symbol.asyncDispose]());
  });

  test("come from numbers of their own on each node, and of each generator", async () => {
    const bench = new Bench();
    const [a, b] = [bench.node("a").ids, bench.node("b").ids];
    for (const ids of [a, b]) for (const name of ["twitter", "leaf"]) await bench.settle(ids.next(name));
    const workers = [a, b].map((ids) => ids.status().generators.map(({ generator, worker }) => [generator, worker]));
    assert.deepEqual(workers, [
      [
        ["twitter", 0],
        ["leaf", 0],
      ],
      [
        ["twitter", 1],
        ["leaf", 1],
      ],
    ]);
    await bench.settle(Promise.all([a[Symbol.asyncDispose](), b[Symbol.asyncDispose]()]));
  });

  test("take up the number that the node had, once its window is over or it was given back", async () => {
    const bench = new Bench();
    const [a, b] = [bench.node("a").ids, bench.node("b").ids];
    await bench.settle(a.next("twitter"));
    await bench.settle(b.next("twitter"));
    await bench.settle(b[Symbol.asyncDispose]());
    await bench.settle(a[Symbol.asyncDispose]());
    const again = bench.node("b").ids;
    const [id] = await bench.settle(again.next("twitter"));
    assert.equal(decodeId(id!, LAYOUTS.twitter).worker, 1);
    // One that was killed holds its number until its window is over.
    const third = bench.node("b").ids;
    await bench.settle(third.next("twitter"));
    assert.equal(third.status().generators[0]!.worker, 0);
    await bench.advance(2000);
    const fourth = bench.node("b").ids;
    await bench.settle(fourth.next("twitter"));
    assert.deepEqual([fourth.status().generators[0]!.worker, fourth.status().generators[0]!.generation], [0, 3]);
    await bench.settle(Promise.all([again, third, fourth].map((ids) => ids[Symbol.asyncDispose]())));
  });

  test("move their window on ahead of need, and only while they are asked for", async () => {
    const bench = new Bench();
    const { ids, store } = bench.node("a");
    await bench.settle(ids.next("twitter"));
    assert.equal(store.commits, 1);
    await bench.advance(60_000);
    assert.equal(store.commits, 1);
    await bench.settle(ids.next("twitter"));
    assert.equal(store.commits, 2);
    for (let at = 0; at < 20; at++) {
      await bench.advance(100);
      // No wait: the window was moved on before it was over.
      let isDone = false;
      ids.next("twitter").then(() => {
        isDone = true;
      });
      for (let turn = 0; turn < 5; turn++) await Promise.resolve();
      assert.ok(isDone, `call ${at}`);
    }
    assert.ok(store.commits <= 7, `${store.commits} commits`);
    await bench.settle(ids[Symbol.asyncDispose]());
  });

  test("end with the window where it can not be moved on, and go on where it can again", async () => {
    const bench = new Bench();
    const { ids, store } = bench.node("a");
    await bench.settle(ids.next("twitter"));
    store.failure = storeFailure("NO_LEADER");
    await bench.advance(900);
    await bench.settle(ids.next("twitter"));
    await bench.advance(300);
    await assert.rejects(bench.settle(ids.next("twitter")), { code: "NO_LEADER" });
    store.failure = undefined;
    await bench.settle(ids.next("twitter"));
    assert.equal(ids.status().generators[0]!.generation, 1);
    await bench.settle(ids[Symbol.asyncDispose]());
  });

  test("of a holder who lost its number end with its window; then it takes another one, and goes on above", async () => {
    const bench = new Bench();
    const [a, b] = [bench.node("a"), bench.node("b")];
    const [first] = await bench.settle(a.ids.next("twitter"));
    // A clock that is ahead finds the number's window over.
    b.clock.jump(5000);
    const [taken] = await bench.settle(b.ids.next("twitter"));
    assert.equal(decodeId(taken!, LAYOUTS.twitter).worker, 0);
    await bench.advance(2000);
    const [next] = await bench.settle(a.ids.next("twitter"));
    assert.equal(decodeId(next!, LAYOUTS.twitter).worker, 1);
    assert.ok(next! > first!);
    await bench.settle(Promise.all([a, b].map(({ ids }) => ids[Symbol.asyncDispose]())));
  });

  test("are refused, not repeated, where all worker numbers are taken", async () => {
    const bench = new Bench();
    const nodes = ["a", "b", "c"].map((name) => bench.node(name).ids);
    await bench.settle(nodes[0]!.defineGenerator("small", { layout: SMALL }));
    await bench.settle(nodes[0]!.next("small"));
    await bench.settle(nodes[1]!.next("small"));
    await assert.rejects(bench.settle(nodes[2]!.next("small")), { code: "WORKERS_EXHAUSTED" });
    await bench.settle(nodes[0]![Symbol.asyncDispose]());
    await bench.settle(nodes[2]!.next("small"));
    await bench.settle(Promise.all(nodes.slice(1).map((ids) => ids[Symbol.asyncDispose]())));
  });

  test("wait for time where a unit is full, in the order of their calls, and not for ever", async () => {
    const bench = new Bench();
    const { ids, clock } = bench.node("a");
    await bench.settle(ids.defineGenerator("small", { layout: SMALL }));
    const batches = await bench.settle(
      Promise.all([ids.next("small", 600), ids.next("small", 10), ids.next("small", 2)]),
    );
    assert.deepEqual(
      batches.map(({ length }) => length),
      [600, 10, 2],
    );
    const all = batches.flat();
    assert.ok(all.every((id, at) => at === 0 || id > all[at - 1]!));
    assert.ok(bench.scheduler.nowMillis >= 50);
    await assert.rejects(bench.settle(ids.next("small", 100_000)), { code: "UNIT_FULL" });
    clock.jump(-60_000);
    await assert.rejects(bench.settle(ids.next("small")), { code: "CLOCK_BEHIND" });
    clock.jump(60_000);
    await bench.settle(ids.next("small"));
    await bench.settle(ids[Symbol.asyncDispose]());
  });

  test("commit no window for a time that the layout does not have", async () => {
    const bench = new Bench();
    const { ids, store } = bench.node("a");
    await assert.rejects(bench.settle(ids.next("baidu")), { code: "TIME_EXHAUSTED" });
    assert.equal(store.commits, 0);
    await bench.settle(ids[Symbol.asyncDispose]());
  });

  test("are refused beyond the limits, and once the service ends", async () => {
    const bench = new Bench();
    const { ids, clock } = bench.node("a");
    for (const count of [0, -1, 1.5, 100_001])
      await assert.rejects(ids.next("twitter", count), { code: "COUNT_INVALID" });
    await assert.rejects(ids.next("none"), { code: "GENERATOR_MISSING" });
    await bench.settle(ids.next("twitter"));
    clock.jump(-1000);
    const waiting = ids.next("twitter");
    const many = Array.from({ length: 10_000 }, () => ids.next("twitter"));
    const outcomes = Promise.allSettled([waiting, ...many]);
    await bench.settle(ids[Symbol.asyncDispose]());
    const codes = (await bench.settle(outcomes)).map((each) =>
      each.status === "rejected" ? each.reason.code : "made",
    );
    assert.deepEqual([codes[0], codes[9_999], codes[10_000]], ["IDS_CLOSED", "IDS_CLOSED", "IDS_OVERLOADED"]);
    await assert.rejects(ids.next("twitter"), { code: "IDS_CLOSED" });
    await assert.rejects(ids.segment("any"), { code: "IDS_CLOSED" });
  });
});

describe("generators", () => {
  test("are defined and listed behind the known layouts, and removed on all nodes", async () => {
    const bench = new Bench();
    const [a, b] = [bench.node("a").ids, bench.node("b").ids];
    await bench.settle(a.defineGenerator("mine", { layout: SMALL, workerFirst: 1, windowMillis: 500 }));
    const { entries } = await b.generators({ limit: 10 });
    assert.deepEqual(
      entries.map(({ name }) => name),
      [...Object.keys(LAYOUTS), "mine"],
    );
    assert.deepEqual(entries.at(-1), {
      ...{ name: "mine", isBuiltIn: false, layout: { ...SMALL, name: "mine" }, workerFirst: 1, workers: 1 },
      ...{ windowMillis: 500, description: "" },
    });
    const [id] = await bench.settle(b.next("mine"));
    assert.equal(decodeId(id!, SMALL).worker, 1);
    await bench.settle(a.removeGenerator("mine"));
    await bench.advance(10);
    await assert.rejects(b.next("mine"), { code: "GENERATOR_MISSING" });
    await assert.rejects(a.generator("mine"), { code: "GENERATOR_MISSING" });
    // Its name comes back with the same layout only.
    await assert.rejects(a.defineGenerator("mine", { layout: LAYOUTS.js53 }), { code: "GENERATOR_FIXED" });
    await bench.settle(a.defineGenerator("mine", { layout: SMALL, workerFirst: 1 }));
    const [next] = await bench.settle(b.next("mine"));
    assert.ok(next! > id!);
    await bench.settle(Promise.all([a[Symbol.asyncDispose](), b[Symbol.asyncDispose]()]));
  });

  test("that can not be are refused", async () => {
    const bench = new Bench();
    const { ids } = bench.node("a");
    const layout = SMALL;
    const refused = async (code: string, name: string, define: Parameters<typeof ids.defineGenerator>[1]) =>
      assert.rejects(ids.defineGenerator(name, define), { code });
    await refused("NAME_INVALID", "a/b", { layout });
    await refused("GENERATOR_BUILT_IN", "twitter", { layout });
    await refused("LAYOUT_INVALID", "x", { layout: { ...layout, timeBits: 200 } });
    await refused("GENERATOR_INVALID", "x", { layout, workers: 3 });
    await refused("GENERATOR_INVALID", "x", { layout, workerFirst: 2 });
    await refused("GENERATOR_INVALID", "x", { layout, windowMillis: 100 });
    await refused("GENERATOR_INVALID", "x", { layout: { ...layout, unitMillis: 1000 }, windowMillis: 1500 });
    await assert.rejects(ids.removeGenerator("twitter"), { code: "GENERATOR_BUILT_IN" });
    await assert.rejects(ids.removeGenerator("x"), { code: "GENERATOR_MISSING" });
    await ids.defineGenerator("x", { layout });
    await refused("GENERATOR_EXISTS", "x", { layout });
    await bench.settle(ids[Symbol.asyncDispose]());
  });

  test("that were defined are among what an id is explained as", async () => {
    const bench = new Bench();
    const { ids } = bench.node("a");
    const layout = defineLayout({ timeBits: 41, workerBits: 12, sequenceBits: 10, epochMillis: Date.UTC(2026, 0, 1) });
    await ids.defineGenerator("orders", { layout });
    const [id] = await bench.settle(ids.next("orders"));
    const readings = await ids.explain(String(id));
    assert.deepEqual([readings[0]!.kind, readings[0]!.plausibility], ["orders", "likely"]);
    await assert.rejects(ids.explain("not an id"), { code: "MALFORMED" });
    await bench.settle(ids[Symbol.asyncDispose]());
  });
});
