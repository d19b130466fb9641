import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { text } from "../../std/bytes.ts";
import { storeFailure } from "../../store/index.ts";
import { IDS_LIMITS } from "./limits.ts";
import { linesOf, textsOf } from "./number-text.ts";
import { Bench } from "./testing/service.ts";

const MINUTE = 60_000;

describe("numbers of a tag", () => {
  test("rise on each node, from blocks that no two nodes share", async () => {
    const bench = new Bench();
    const [a, b] = [bench.node("a").ids, bench.node("b").ids];
    await bench.settle(a.createTag("orders", { step: 10 }));
    const numbers: string[] = [];
    for (let at = 0; at < 30; at++)
      for (const ids of [a, b]) numbers.push(...textsOf(await bench.settle(ids.segment("orders", 2))));
    assert.equal(numbers[0], "1");
    assert.equal(new Set(numbers).size, 120);
    await bench.settle(Promise.all([a[Symbol.asyncDispose](), b[Symbol.asyncDispose]()]));
  });

  test("are there without a wait while a block lasts, also where the Store is away", async () => {
    const bench = new Bench();
    const { ids, store } = bench.node("a");
    await bench.settle(ids.createTag("t", { step: 100 }));
    await bench.settle(ids.segment("t", 20));
    await bench.advance(10);
    store.failure = storeFailure("NO_LEADER");
    // What is left of the first block, and the second one.
    const [piece, second] = await bench.settle(ids.segment("t", 170));
    assert.deepEqual(
      [piece, second],
      [
        { first: 21n, size: 80 },
        { first: 101n, size: 90 },
      ],
    );
    await assert.rejects(bench.settle(ids.segment("t", 100)), { code: "NO_LEADER" });
    store.failure = undefined;
    await bench.settle(ids.segment("t", 100));
    await bench.settle(ids[Symbol.asyncDispose]());
  });

  test("come in larger blocks where they are used up fast, and in smaller ones again", async () => {
    const bench = new Bench();
    const { ids } = bench.node("a");
    await bench.settle(ids.createTag("t", { step: 100 }));
    const blockSize = async (count: number): Promise<number> => {
      await bench.settle(ids.segment("t", count));
      await bench.advance(1);
      return ids.status().tags[0]!.blockSize;
    };
    assert.deepEqual(
      [await blockSize(50), await blockSize(100), await blockSize(100), await blockSize(200)],
      [100, 200, 400, 800],
    );
    await bench.advance(20 * MINUTE);
    assert.equal(await blockSize(500), 800);
    await bench.advance(31 * MINUTE);
    assert.equal(await blockSize(800), 400);
    // A step that was raised holds for the next block.
    await bench.settle(ids.updateTag("t", { step: 5000 }));
    assert.equal(await blockSize(800), 5000);
    await bench.settle(ids[Symbol.asyncDispose]());
  });

  test("come in blocks of the size that was found, also where the node was started anew", async () => {
    const bench = new Bench();
    const first = bench.node("a").ids;
    await bench.settle(first.createTag("t", { step: 100 }));
    for (const count of [50, 100, 100, 200]) {
      await bench.settle(first.segment("t", count));
      await bench.advance(1);
    }
    assert.equal(first.status().tags[0]!.blockSize, 800);
    await bench.settle(first[Symbol.asyncDispose]());
    const again = bench.node("a").ids;
    await bench.settle(again.segment("t"));
    assert.equal(again.status().tags[0]!.blockSize, 800);
    await bench.settle(again[Symbol.asyncDispose]());
  });

  test("show the two blocks that a node holds, as they take turns", async () => {
    const bench = new Bench();
    const { ids } = bench.node("a");
    await bench.settle(ids.createTag("t", { step: 10 }));
    await bench.settle(ids.createTag("ordered", { order: "global" }));
    await bench.settle(ids.segment("ordered"));
    const shown = async (count: number): Promise<unknown[]> => {
      await bench.settle(ids.segment("t", count));
      await bench.advance(1);
      const { isReady, isNextReady, position, blocks } = ids.buffers().find(({ tag }) => tag === "t")!;
      const numbers = blocks.flatMap(({ value, end, size }) => [Number(value), Number(end), size]);
      return [isReady, isNextReady, position, ...numbers];
    };
    assert.deepEqual(await shown(1), [true, true, 0, 2, 11, 10, 11, 21, 10]);
    assert.deepEqual(await shown(9), [true, true, 0, 11, 11, 10, 11, 21, 10]);
    assert.deepEqual(await shown(1), [true, true, 1, 21, 41, 20, 12, 21, 10]);
    const ordered = ids.buffers().find(({ tag }) => tag === "ordered")!;
    assert.deepEqual([ordered.isReady, ordered.blocks[0].size], [false, 0]);
    await bench.settle(ids[Symbol.asyncDispose]());
  });

  test("come in batches larger than a block", async () => {
    const bench = new Bench();
    const { ids } = bench.node("a");
    await bench.settle(ids.createTag("t", { step: 1 }));
    const [one, many] = await bench.settle(Promise.all([ids.segment("t"), ids.segment("t", 100_000)]));
    assert.deepEqual(one, [{ first: 1n, size: 1 }]);
    assert.equal(textsOf(many).length, 100_000);
    await assert.rejects(ids.segment("t", 100_001), { code: "COUNT_INVALID" });
    await bench.settle(ids[Symbol.asyncDispose]());
  });

  test("end below 2^63", async () => {
    const bench = new Bench();
    const { ids } = bench.node("a");
    for (const order of ["node", "global"] as const) {
      await bench.settle(ids.createTag(order, { order, step: 3, first: 2n ** 63n - 3n }));
      const last = await bench.settle(ids.segment(order, 3));
      assert.deepEqual(textsOf(last), ["9223372036854775805", "9223372036854775806", "9223372036854775807"]);
      await assert.rejects(bench.settle(ids.segment(order)), { code: "TAG_USED_UP" });
    }
    await bench.settle(ids[Symbol.asyncDispose]());
  });

  test("of an unknown tag are refused, also where it was removed elsewhere; a new one goes on behind it", async () => {
    const bench = new Bench();
    const [a, b] = [bench.node("a").ids, bench.node("b").ids];
    await assert.rejects(a.segment("t"), { code: "TAG_MISSING" });
    await bench.settle(a.createTag("t", { step: 10 }));
    for (const ids of [a, b]) await bench.settle(ids.segment("t", 3));
    await bench.settle(a.removeTag("t"));
    await assert.rejects(bench.settle(a.segment("t")), { code: "TAG_MISSING" });
    await bench.advance(10);
    await assert.rejects(bench.settle(b.segment("t")), { code: "TAG_MISSING" });
    assert.deepEqual(b.status().tags, []);
    const { nextNumber } = await bench.settle(b.createTag("t", { order: "global" }));
    for (const ids of [a, b]) assert.ok((await bench.settle(ids.segment("t")))[0]!.first >= nextNumber);
    assert.equal(nextNumber, 41n);
    await bench.settle(Promise.all([a[Symbol.asyncDispose](), b[Symbol.asyncDispose]()]));
  });

  test("rise over all nodes where the tag is strictly ordered, one commit for all that wait", async () => {
    const bench = new Bench();
    const [a, b] = [bench.node("a"), bench.node("b")];
    await bench.settle(a.ids.createTag("t", { order: "global" }));
    const before = a.store.commits;
    const first = await bench.settle(Promise.all(Array.from({ length: 50 }, () => a.ids.segment("t", 2))));
    assert.ok(a.store.commits - before <= 2, `${a.store.commits - before} commits`);
    assert.deepEqual(
      textsOf(first.flat()),
      Array.from({ length: 100 }, (_, at) => String(at + 1)),
    );
    for (let at = 0; at < 5; at++) {
      for (const [place, { ids }] of [a, b].entries()) {
        const [{ first: number } = { first: 0n }] = await bench.settle(ids.segment("t"));
        assert.equal(number, BigInt(101 + at * 2 + place));
      }
    }
    await bench.settle(Promise.all([a, b].map(({ ids }) => ids[Symbol.asyncDispose]())));
  });

  test("are refused where too many wait", async () => {
    const bench = new Bench();
    const { ids } = bench.node("a");
    for (const order of ["node", "global"] as const) {
      await bench.settle(ids.createTag(order, { order, step: 1 }));
      await bench.settle(ids.segment(order));
      const calls = Array.from({ length: IDS_LIMITS.waitersMax + 100 }, () => ids.segment(order, 3));
      const outcomes = await bench.settle(Promise.allSettled(calls));
      const refused = outcomes.filter((each) => each.status === "rejected");
      assert.ok(refused.length > 0 && refused.every(({ reason }) => reason.code === "IDS_OVERLOADED"));
      const given = outcomes.flatMap((each) => (each.status === "fulfilled" ? textsOf(each.value) : []));
      assert.equal(new Set(given).size, given.length);
    }
    await bench.settle(ids[Symbol.asyncDispose]());
  });

  test("of more tags than a node holds cost what was left of one that was not used", async () => {
    const bench = new Bench();
    const { ids } = bench.node("a", { countersMax: 2 });
    for (const tag of ["a", "b", "c"]) await bench.settle(ids.createTag(tag, { step: 10 }));
    for (const tag of ["a", "b", "c"]) await bench.settle(ids.segment(tag));
    assert.deepEqual(
      ids.status().tags.map(({ tag }) => tag),
      ["b", "c"],
    );
    const [again] = await bench.settle(ids.segment("a"));
    assert.ok(again!.first > 10n);
    await bench.settle(ids[Symbol.asyncDispose]());
  });
});

describe("tags", () => {
  test("are listed in pages, without those that were removed", async () => {
    const bench = new Bench();
    const { ids } = bench.node("a");
    for (const tag of ["d", "a", "c", "b", "e"]) await ids.createTag(tag, { description: `of ${tag}` });
    await ids.removeTag("b");
    const first = await ids.tags({ limit: 2 });
    assert.deepEqual([first.entries.map(({ name }) => name), first.next], [["a", "c"], "c"]);
    const rest = await ids.tags({ after: first.next, limit: 10 });
    assert.deepEqual([rest.entries.map(({ name }) => name), rest.next], [["d", "e"], undefined]);
    assert.equal((await ids.tag("c")).description, "of c");
    for (const limit of [0, 1001, 1.5]) await assert.rejects(ids.tags({ limit }), { code: "PAGE_INVALID" });
    await bench.settle(ids[Symbol.asyncDispose]());
  });

  test("that can not be are refused, and no number goes back", async () => {
    const bench = new Bench();
    const { ids } = bench.node("a");
    for (const step of [0, 1.5, 1_000_001]) await assert.rejects(ids.createTag("t", { step }), { code: "TAG_INVALID" });
    for (const first of [-1n, 2n ** 63n]) await assert.rejects(ids.createTag("t", { first }), { code: "TAG_INVALID" });
    await assert.rejects(ids.createTag("t", { description: "x".repeat(257) }), { code: "TAG_INVALID" });
    for (const name of ["", "a/b", "x".repeat(129)])
      await assert.rejects(ids.createTag(name), { code: "NAME_INVALID" });
    await ids.createTag("t", { first: 0n, step: 10 });
    await assert.rejects(ids.createTag("t"), { code: "TAG_EXISTS" });
    assert.equal((await bench.settle(ids.segment("t")))[0]!.first, 0n);
    await assert.rejects(ids.updateTag("t", { first: 5n }), { code: "TAG_START_PASSED" });
    assert.equal((await ids.updateTag("t", { first: 1000n })).nextNumber, 1000n);
    await ids.removeTag("t");
    await assert.rejects(ids.createTag("t", { first: 999n }), {
      code: "TAG_START_PASSED",
      data: { tag: "t", first: "1000" },
    });
    await assert.rejects(ids.updateTag("t", { step: 1 }), { code: "TAG_MISSING" });
    await assert.rejects(ids.removeTag("t"), { code: "TAG_MISSING" });
    await bench.settle(ids[Symbol.asyncDispose]());
  });
});

test("numbers print alike above and below what a JavaScript number holds", () => {
  const blocks = [
    { first: 9n, size: 2 },
    { first: 2n ** 53n - 1n, size: 2 },
  ];
  assert.deepEqual(textsOf(blocks), ["9", "10", "9007199254740991", "9007199254740992"]);
  assert.equal(text(linesOf(blocks)), "9\n10\n9007199254740991\n9007199254740992\n");
});
