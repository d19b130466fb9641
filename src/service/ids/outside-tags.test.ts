import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AshlarError } from "../../std/errors.ts";
import { storeFailure } from "../../store/index.ts";
import type { DrawnNumbers, NumberSource } from "./outside-draws.ts";
import { Bench } from "./testing/service.ts";

/** A sequence in memory, from which a test draws too. */
class MemorySequence implements NumberSource {
  last: bigint;
  isOrdered = true;
  failure: Error | undefined;
  readonly draws: number[] = [];
  /** What others draw between two numbers of ours. */
  others = 0;
  /** Answers wait for it. */
  gate: Promise<void> = Promise.resolve();

  constructor(last = 0n) {
    this.last = last;
  }

  async draw(count: number): Promise<DrawnNumbers> {
    this.draws.push(count);
    await this.gate;
    if (this.failure !== undefined) throw this.failure;
    const step = BigInt(1 + this.others);
    const numbers = Array.from({ length: count }, (_, at) => this.last + 1n + BigInt(at) * step);
    this.last = numbers.at(-1)!;
    return { numbers, isOrdered: this.isOrdered };
  }

  async next(): Promise<bigint> {
    if (this.failure !== undefined) throw this.failure;
    return this.last + 1n;
  }
}

function open(sequences: Readonly<Record<string, MemorySequence>>, bench = new Bench()) {
  const news: string[] = [];
  const tags = Object.entries(sequences).map(([name, source]) => {
    const onFailure = (error: AshlarError | undefined) => void news.push(error?.code ?? "well");
    return [name, { source, description: "outside", onFailure }] as const;
  });
  const { ids, store } = bench.node("a", { outsideTags: new Map(tags) });
  const take = async (tag: string, count = 1): Promise<string> =>
    (await bench.settle(ids.segment(tag, count))).map(({ first, size }) => `${first}+${size}`).join(" ");
  const refused = async (tag: string, count = 1): Promise<AshlarError> => {
    const error: unknown = await bench.settle(ids.segment(tag, count)).catch((reason: unknown) => reason);
    assert.ok(error instanceof AshlarError);
    return error;
  };
  return {
    bench,
    ids,
    store,
    news,
    take,
    refused,
    close: () => bench.settle(Promise.resolve(ids[Symbol.asyncDispose]())),
  };
}

describe("tags that a database outside counts", () => {
  test("are drawn when they are asked for, and nothing is held in advance", async () => {
    const sequence = new MemorySequence(41n);
    const { take, ids, close } = open({ orders: sequence });
    assert.equal(await take("orders"), "42+1");
    sequence.last = 50n;
    assert.equal(await take("orders", 3), "51+3");
    sequence.others = 1;
    assert.equal(await take("orders", 3), "54+1 56+1 58+1");
    assert.deepEqual(sequence.draws, [1, 3, 3]);
    assert.deepEqual(ids.status().tags, [
      { tag: "orders", order: "global", blockSize: 0, available: 0, handedOut: 7, fetches: 3, waiting: 0 },
    ]);
    await close();
  });

  test("share a draw with all who ask while one is under way, each with numbers of his own", async () => {
    const sequence = new MemorySequence();
    sequence.others = 2;
    const { bench, ids, close } = open({ t: sequence });
    const gate = Promise.withResolvers<void>();
    sequence.gate = gate.promise;
    const asked = [1, 3, 1, 4].map((count) => ids.segment("t", count));
    await bench.advance(1);
    gate.resolve();
    const numbers = (await bench.settle(Promise.all(asked))).map((pieces) => pieces.map(({ first }) => Number(first)));
    assert.deepEqual(numbers, [[1], [2, 5, 8], [11], [14, 17, 20, 23]]);
    assert.deepEqual(sequence.draws, [1, 8]);
    await close();
  });

  test("are drawn 100,000 at a time at most", async () => {
    const sequence = new MemorySequence();
    const { bench, ids, close } = open({ t: sequence });
    const gate = Promise.withResolvers<void>();
    sequence.gate = gate.promise;
    const asked = [1, 60_000, 40_000, 1].map((count) => ids.segment("t", count));
    await bench.advance(1);
    gate.resolve();
    await bench.settle(Promise.all(asked));
    assert.deepEqual(sequence.draws, [1, 100_000, 1]);
    await assert.rejects(ids.segment("t", 100_001), { code: "COUNT_INVALID" });
    await close();
  });

  test("give no number but a clear error where the database gives none, and go on when it does", async () => {
    const sequence = new MemorySequence();
    const { take, refused, ids, bench, news, close } = open({ t: sequence });
    for (const [code, told] of [
      ["UNAVAILABLE", "SEQUENCE_UNAVAILABLE"],
      ["OUTCOME_UNKNOWN", "SEQUENCE_UNAVAILABLE"],
      ["OVERLOADED", "SEQUENCE_UNAVAILABLE"],
      ["ANSWER_INVALID", "SEQUENCE_UNAVAILABLE"],
      ["CLOSED", "SEQUENCE_UNAVAILABLE"],
      ["DENIED", "SEQUENCE_DENIED"],
      ["SEQUENCE_MISSING", "SEQUENCE_MISSING"],
      ["SEQUENCE_UNFIT", "SEQUENCE_REFUSED"],
      ["UNSAFE", "SEQUENCE_REFUSED"],
      ["OUT_OF_RANGE", "TAG_USED_UP"],
    ] as const) {
      sequence.failure = new AshlarError(code, "The database says no.", "Ask it why.");
      const error = await refused("t");
      assert.deepEqual([error.code, error.message, error.cause], [told, "The database says no.", sequence.failure]);
      await assert.rejects(bench.settle(ids.tag("t")), { code: told });
    }
    sequence.failure = undefined;
    assert.equal(await take("t"), "1+1");
    assert.deepEqual([news.length, news[0], news.at(-1)], [11, "UNAVAILABLE", "well"]);
    await close();
  });

  test("are refused where the sequence goes back, and go on once it is beyond what was given", async () => {
    const sequence = new MemorySequence(100n);
    const { take, refused, close } = open({ t: sequence });
    assert.equal(await take("t", 5), "101+5");
    sequence.last = 0n;
    for (let turn = 0; turn < 3; turn++) assert.equal((await refused("t")).code, "SEQUENCE_REFUSED");
    sequence.last = 104n;
    assert.equal((await refused("t")).code, "SEQUENCE_REFUSED");
    assert.equal(await take("t"), "106+1");
    await close();
  });

  test("may come in no order from a sequence of which each connection holds a part", async () => {
    const sequence = new MemorySequence(100n);
    sequence.isOrdered = false;
    const { take, close } = open({ t: sequence });
    assert.equal(await take("t"), "101+1");
    sequence.last = 20n;
    assert.equal(await take("t"), "21+1");
    await close();
  });

  test("have neither negative numbers nor such as a signed column does not hold", async () => {
    const sequence = new MemorySequence(-6n);
    const { take, refused, close } = open({ t: sequence });
    assert.equal((await refused("t", 5)).code, "SEQUENCE_REFUSED");
    sequence.last = -1n;
    assert.equal(await take("t"), "0+1");
    sequence.last = 2n ** 63n - 3n;
    assert.equal((await refused("t", 3)).code, "TAG_USED_UP");
    sequence.last = 2n ** 63n - 2n;
    assert.equal(await take("t"), `${2n ** 63n - 1n}+1`);
    await close();
  });

  test("are neither made, changed nor removed here", async () => {
    const { ids, close } = open({ t: new MemorySequence() });
    await assert.rejects(ids.createTag("t"), { code: "TAG_OUTSIDE" });
    await assert.rejects(ids.updateTag("t", { first: 9n }), { code: "TAG_OUTSIDE" });
    await assert.rejects(ids.removeTag("t"), { code: "TAG_OUTSIDE" });
    await close();
  });

  test("are refused under a name that the Store has counted, also if its tag is gone", async () => {
    const bench = new Bench();
    const before = bench.node("before").ids;
    for (const tag of ["live", "gone"]) await bench.settle(before.createTag(tag));
    await bench.settle(before.removeTag("gone"));
    const sequences = { live: new MemorySequence(), gone: new MemorySequence(), fresh: new MemorySequence() };
    const { refused, take, close } = open(sequences, bench);
    for (const tag of ["live", "gone"]) assert.equal((await refused(tag)).code, "SEQUENCE_REFUSED");
    assert.equal(await take("fresh"), "1+1");
    assert.deepEqual([sequences.live.draws, sequences.gone.draws], [[], []]);
    await close();
    await bench.settle(Promise.resolve(before[Symbol.asyncDispose]()));
  });

  test("need the Store once: where that is away at first there is no number", async () => {
    const { store, take, refused, close } = open({ t: new MemorySequence() });
    const get = store.get.bind(store);
    store.get = () => Promise.reject(storeFailure("NO_LEADER"));
    assert.equal((await refused("t")).code, "NO_LEADER");
    store.get = get;
    assert.equal(await take("t"), "1+1");
    store.get = () => Promise.reject(storeFailure("NO_LEADER"));
    assert.equal(await take("t"), "2+1");
    await close();
  });

  test("are listed among the Store's, in pages of any size, each once", async () => {
    const sequences = Object.fromEntries(["a", "c", "e", "z"].map((name) => [name, new MemorySequence(6n)]));
    const { ids, bench, close } = open(sequences);
    for (const tag of ["b", "d", "f"]) await bench.settle(ids.createTag(tag));
    for (const limit of [1, 2, 3, 4, 5, 6, 7, 8]) {
      const names: string[] = [];
      let after: string | undefined;
      do {
        const page = await bench.settle(ids.tags({ after, limit }));
        assert.ok(page.entries.length <= limit);
        names.push(...page.entries.map(({ name }) => name));
        after = page.next;
      } while (after !== undefined);
      assert.deepEqual(names, ["a", "b", "c", "d", "e", "f", "z"], `pages of ${limit}`);
    }
    const { order, step, nextNumber, description } = await bench.settle(ids.tag("c"));
    assert.deepEqual([order, step, nextNumber, description], ["global", 1, 7n, "outside"]);
    await close();
  });

  test("end with the node: who waits is told, and whoever comes", async () => {
    const sequence = new MemorySequence();
    const { bench, ids, close } = open({ t: sequence });
    const gate = Promise.withResolvers<void>();
    sequence.gate = gate.promise;
    const first = ids.segment("t");
    await bench.advance(1);
    const second = ids.segment("t");
    const told = assert.rejects(second, { code: "IDS_CLOSED" });
    await close();
    await told;
    gate.resolve();
    await first;
    await assert.rejects(ids.segment("t"), { code: "IDS_CLOSED" });
  });
});
