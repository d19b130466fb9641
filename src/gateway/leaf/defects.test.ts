// What is known to be wrong with Leaf, a test each: none of it is so here.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decodeId, defineLayout, KeyedPermutation, LAYOUTS } from "../../core/id/index.ts";
import { NOW } from "../../service/ids/testing/service.ts";
import { storeFailure } from "../../store/index.ts";
import { LeafWorld } from "./testing/world.ts";

const SEGMENT = "/api/segment/get/t";
const SNOWFLAKE = "/api/snowflake/get/t";
const MESSAGES = /^Result\{id=-[123], status=EXCEPTION\}$/;

describe("of Leaf's defects there is not", () => {
  test("0 with HTTP 200 when a mode is off: what can not serve answers 500", async () => {
    const world = new LeafWorld();
    const node = await world.node("a");
    node.store.failure = storeFailure("NO_LEADER");
    await node.stop();
    for (const target of [SEGMENT, SNOWFLAKE, `${SEGMENT}?size=5`, `${SNOWFLAKE}?size=5&format=json`]) {
      const { status, code, text } = await node.get(target);
      assert.equal(status, 500, text);
      assert.match(JSON.parse(text).message, MESSAGES);
      assert.equal(code, "IDS_CLOSED");
    }
  });

  test("0 with HTTP 200 when a generator has no time left", async () => {
    const world = new LeafWorld();
    const node = await world.node("a", { generator: "baidu" });
    const { status, code, text } = await node.get(SNOWFLAKE);
    assert.deepEqual([status, code], [500, "TIME_EXHAUSTED"]);
    assert.match(JSON.parse(text).message, MESSAGES);
    await node.stop();
  });

  test("-3 when both segments are not ready: requests wait for the next one, within a bound", async () => {
    const world = new LeafWorld();
    const node = await world.node("a");
    await world.bench.settle(node.ids.createTag("t", { step: 1 }));
    const answers = await world.bench.settle(Promise.all(Array.from({ length: 200 }, () => node.call(SEGMENT))));
    assert.ok(answers.every(({ status }) => status === 200));
    assert.equal(new Set(answers.map(({ text }) => text)).size, 200);
    node.store.failure = storeFailure("NO_LEADER");
    const spent = await node.get(`${SEGMENT}?size=100000`);
    assert.deepEqual([spent.status, spent.code], [500, "NO_LEADER"]);
    assert.equal(JSON.parse(spent.text).message, "Result{id=-3, status=EXCEPTION}");
    await node.stop();
  });

  test("ids leak how many orders there are: a key hides their order, and decoding knows it", async () => {
    const world = new LeafWorld();
    const hiding = new KeyedPermutation({ key: new Uint8Array(16).fill(9), widthBits: 63 });
    const node = await world.node("a", { hiding });
    await world.bench.settle(node.ids.createTag("t"));
    const shown = (await node.get(`${SEGMENT}?size=50`)).text.split("\n").map(BigInt);
    assert.equal(new Set(shown).size, 50);
    assert.ok(
      shown.some((id, at) => at > 0 && id < shown[at - 1]!),
      "they are in no order",
    );
    assert.deepEqual(
      shown.map((id) => hiding.reveal(id)),
      Array.from({ length: 50 }, (_, at) => BigInt(at + 1)),
    );
    const { text } = await node.get(SNOWFLAKE);
    const decoded = JSON.parse((await node.get(`/decodeSnowflakeId?snowflakeId=${text}`)).text);
    assert.equal(decoded.workerId, "0");
    assert.ok(Math.abs(Number(decoded.timestamp.split("(")[0]) - NOW) <= 100);
    const refused = await node.get(`${SEGMENT}?size=1001`);
    assert.deepEqual([refused.status, refused.code], [400, "SIZE_HIDDEN"]);
    await node.stop();
  });

  test("two nodes that boot at once both take worker number 0", async () => {
    const world = new LeafWorld();
    const nodes = await Promise.all(["a", "b", "c"].map((name) => world.node(name)));
    const answers = await world.bench.settle(Promise.all(nodes.map((node) => node.call(SNOWFLAKE))));
    const workers = answers.map(({ text }) => decodeId(BigInt(text), LAYOUTS.leaf).worker);
    assert.deepEqual(workers.toSorted(), [0, 1, 2]);
    for (const node of nodes) await node.stop();
  });

  test("worker numbers run out where machines change their addresses: they come back", async () => {
    const world = new LeafWorld();
    const workers = new Set<number>();
    for (let at = 0; at < 12; at++) {
      const node = await world.node(`10.0.0.${at}`);
      workers.add(decodeId(BigInt((await node.get(SNOWFLAKE)).text), LAYOUTS.leaf).worker);
      // Half of them are stopped, half are just gone.
      if (at % 2 === 0) await node.stop();
      else await world.bench.advance(2000);
    }
    assert.ok(Math.max(...workers) <= 1, [...workers].join(" "));
  });

  test("a clock that was set back a little while a node was down passes unnoticed", async () => {
    const world = new LeafWorld();
    const first = await world.node("a");
    const before = BigInt((await first.get(`${SNOWFLAKE}?size=4000`)).text.split("\n").at(-1)!);
    // It is killed; the machine comes up again two seconds behind.
    const second = await world.node("a");
    second.clock.jump(-2000);
    await world.bench.advance(1000);
    const after = (await second.get(`${SNOWFLAKE}?size=4000`)).text.split("\n").map(BigInt);
    const [old, young] = [decodeId(before, LAYOUTS.leaf), decodeId(after[0]!, LAYOUTS.leaf)];
    assert.ok(young.worker !== old.worker || after[0]! > before);
    await second.stop();
  });

  test("a clock that was set back by a moment fails every request: they wait, and go on above", async () => {
    const world = new LeafWorld();
    const node = await world.node("a");
    const before = BigInt((await node.get(SNOWFLAKE)).text);
    node.clock.jump(-500);
    const { status, text } = await node.get(SNOWFLAKE);
    assert.ok(status === 200 && BigInt(text) > before);
    node.clock.jump(-60_000);
    const refused = await node.get(SNOWFLAKE);
    assert.deepEqual([refused.status, refused.code], [500, "CLOCK_BEHIND"]);
    assert.equal(JSON.parse(refused.text).message, "Result{id=-3, status=EXCEPTION}");
    await node.stop();
  });

  test("a worker number in a file makes two copies of a machine one worker", async () => {
    const world = new LeafWorld();
    const copies = await Promise.all(["a", "a"].map((name) => world.node(name)));
    const ids = [];
    for (let at = 0; at < 20; at++) for (const node of copies) ids.push((await node.get(SNOWFLAKE)).text);
    assert.equal(new Set(ids).size, 40);
    for (const node of copies) await node.stop();
  });

  test("decoding with Leaf's own epoch only: a generator of another one is named", async () => {
    const world = new LeafWorld();
    const node = await world.node("a");
    const layout = defineLayout({ timeBits: 41, workerBits: 12, sequenceBits: 10, epochMillis: Date.UTC(2026, 0, 1) });
    await world.bench.settle(node.ids.defineGenerator("orders", { layout }));
    const [id] = await world.bench.settle(node.ids.next("orders"));
    const { worker, sequence, timeMillis } = decodeId(id!, layout);
    const decoded = JSON.parse((await node.get(`/decodeSnowflakeId?snowflakeId=${id}&generator=orders`)).text);
    assert.deepEqual([decoded.workerId, decoded.sequenceId], [String(worker), String(sequence)]);
    assert.equal(decoded.timestamp.split("(")[0], String(timeMillis));
    const none = await node.get(`/decodeSnowflakeId?snowflakeId=${id}&generator=none`);
    assert.deepEqual([none.status, none.code], [404, "GENERATOR_MISSING"]);
    await node.stop();
  });

  test("the tuning of the step is lost on restart", async () => {
    const world = new LeafWorld();
    const node = await world.node("a");
    await world.bench.settle(node.ids.createTag("t", { step: 10 }));
    for (let at = 0; at < 8; at++) {
      await node.get(`${SEGMENT}?size=${10 * 2 ** at}`);
      await world.bench.advance(1);
    }
    const tuned = node.ids.status().tags[0]!.blockSize;
    assert.ok(tuned >= 640, `${tuned}`);
    await node.stop();
    const again = await world.node("a");
    await again.get(SEGMENT);
    assert.equal(again.ids.status().tags[0]!.blockSize, tuned);
    await again.stop();
  });

  test("the end of a key behind a dot is lost", async () => {
    const world = new LeafWorld();
    const node = await world.node("a");
    for (const tag of ["order", "order.v2"]) await world.bench.settle(node.ids.createTag(tag, { step: 10 }));
    await node.get("/api/segment/get/order");
    assert.equal((await node.get("/api/segment/get/order.v2")).text, "1");
    await node.stop();
  });

  test("numbers of two nodes are in no order: a tag can be ordered over all nodes", async () => {
    const world = new LeafWorld();
    const nodes = await Promise.all(["a", "b"].map((name) => world.node(name)));
    await world.bench.settle(nodes[0]!.ids.createTag("t", { order: "global" }));
    const numbers = [];
    for (let at = 0; at < 10; at++) for (const node of nodes) numbers.push(Number((await node.get(SEGMENT)).text));
    assert.deepEqual(
      numbers,
      Array.from({ length: 20 }, (_, at) => at + 1),
    );
    for (const node of nodes) await node.stop();
  });

  test("a removed tag is handed out for another minute", async () => {
    const world = new LeafWorld();
    const [a, b] = [await world.node("a"), await world.node("b")];
    await world.bench.settle(a.ids.createTag("t"));
    await b.get(SEGMENT);
    await world.bench.settle(a.ids.removeTag("t"));
    assert.equal((await a.get(SEGMENT)).code, "TAG_MISSING");
    await world.bench.advance(100);
    assert.equal((await b.get(SEGMENT)).code, "TAG_MISSING");
    for (const node of [a, b]) await node.stop();
  });
});
