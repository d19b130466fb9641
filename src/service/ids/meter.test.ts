import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AshlarError } from "../../std/errors.ts";
import { idsFailure } from "./errors.ts";
import type { DefineGenerator } from "./generators.ts";
import { type IdsEvent, IdsMeter, NAMES_COUNTED_MAX, OTHER_NAMES } from "./meter.ts";
import { Bench } from "./testing/service.ts";

const SMALL = {
  ...{ epochMillis: 0, unitMillis: 1, timeBits: 41, workerBits: 1, sequenceBits: 12 },
  ...{ order: "time-worker-sequence", byteOrder: "big", sequenceStartBelow: 1 },
} as const satisfies DefineGenerator["layout"];

function startMeter(): { meter: IdsMeter; events: IdsEvent[]; bench: Bench } {
  const bench = new Bench();
  const events: IdsEvent[] = [];
  return { bench, events, meter: new IdsMeter(bench.parts("a").clock, (event) => events.push(event)) };
}

describe("what is counted of ids", () => {
  test("is what generators made, reserved and lost", async () => {
    const bench = new Bench();
    const events: IdsEvent[] = [];
    const [a, b] = [bench.node("a", { onEvent: (event) => events.push(event) }), bench.node("b")];
    await bench.settle(a.ids.next("twitter", 10));
    await bench.advance(3000);
    await bench.settle(a.ids.next("twitter"));
    const counts = a.ids.meter.generators.of("twitter");
    assert.deepEqual(counts, { ids: 11, claims: 1, renewals: 1, losses: 0 });
    // A clock that is ahead finds the number's window over.
    b.clock.jump(5000);
    await bench.settle(b.ids.next("twitter"));
    await bench.advance(2000);
    await bench.settle(a.ids.next("twitter"));
    assert.deepEqual(counts, { ids: 12, claims: 2, renewals: 1, losses: 1 });
    assert.deepEqual(events, [{ kind: "worker-lost", generator: "twitter", worker: 0 }]);
    await bench.settle(Promise.all([a, b].map(({ ids }) => ids[Symbol.asyncDispose]())));
  });

  test("is what tags handed out, and who had to wait for a block; it goes on where a tag is taken up again", async () => {
    const bench = new Bench();
    const { ids } = bench.node("a", { countersMax: 1 });
    await bench.settle(ids.createTag("orders", { step: 10 }));
    await bench.settle(ids.createTag("others", { step: 10 }));
    await bench.settle(ids.segment("orders", 5));
    await bench.settle(ids.segment("orders", 2));
    const counts = ids.meter.tags.of("orders");
    assert.deepEqual({ ...counts }, { numbers: 7, requests: 2, waits: 1, fetches: 2 });
    await bench.settle(ids.segment("others"));
    await bench.settle(ids.segment("orders", 1));
    assert.deepEqual([counts.numbers, counts.requests, counts.waits], [8, 3, 2]);
    await bench.settle(ids[Symbol.asyncDispose]());
  });

  test("is counted together beyond so many names", () => {
    const { meter } = startMeter();
    for (let at = 0; at < NAMES_COUNTED_MAX + 20; at++) meter.tagServed(`tag-${at}`, 3);
    meter.tagServed("tag-0", 3);
    const names = new Map(meter.tags.entries());
    assert.equal(names.size, NAMES_COUNTED_MAX + 1);
    assert.equal(names.get("tag-0")!.numbers, 6);
    assert.equal(names.get(OTHER_NAMES)!.numbers, 60);
  });

  test("are refusals by their codes, those of a caller's mistake too", async () => {
    const bench = new Bench();
    const { ids } = bench.node("a");
    for (const count of [0, 100_001]) await assert.rejects(bench.settle(ids.next("twitter", count)));
    await assert.rejects(bench.settle(ids.segment("nobody")));
    assert.deepEqual(
      [...ids.meter.refusals],
      [
        ["COUNT_INVALID", 2],
        ["TAG_MISSING", 1],
      ],
    );
    assert.deepEqual(ids.status().troubles, []);
    assert.deepEqual([...ids.meter.generators.entries(), ...ids.meter.tags.entries()], []);
    await bench.settle(ids[Symbol.asyncDispose]());
  });
});

describe("troubles", () => {
  test("are told where all worker numbers are taken, until there are ids again", async () => {
    const bench = new Bench();
    const events: IdsEvent[] = [];
    const nodes = ["a", "b", "c"].map((name) => bench.node(name, { onEvent: (event) => events.push(event) }).ids);
    const [a, b, c] = nodes as [(typeof nodes)[0], (typeof nodes)[0], (typeof nodes)[0]];
    await bench.settle(a.defineGenerator("small", { layout: SMALL }));
    await bench.settle(Promise.all([a, b].map((ids) => ids.next("small"))));
    for (let at = 0; at < 3; at++) await assert.rejects(bench.settle(c.next("small")), { code: "WORKERS_EXHAUSTED" });
    const [trouble] = c.status().troubles;
    assert.deepEqual([trouble!.of, trouble!.failure.code], [{ generator: "small" }, "WORKERS_EXHAUSTED"]);
    assert.deepEqual(
      events.map((event) => event.kind),
      ["ids-refused"],
    );
    await bench.advance(2000);
    await bench.settle(c.next("small"));
    assert.deepEqual(c.status().troubles, []);
    await bench.settle(Promise.all(nodes.map((ids) => ids[Symbol.asyncDispose]())));
  });

  test("are told where the clock was set back, and where a tag has no number left", async () => {
    const bench = new Bench();
    const { ids, clock } = bench.node("a");
    await bench.settle(ids.next("twitter"));
    clock.jump(-60_000);
    await assert.rejects(bench.settle(ids.next("twitter")), { code: "CLOCK_BEHIND" });
    assert.ok(ids.status().generators[0]!.aheadMillis > 59_000);
    await bench.settle(ids.createTag("last", { first: 2n ** 63n - 1n, step: 1, order: "global" }));
    await bench.settle(ids.segment("last"));
    await assert.rejects(bench.settle(ids.segment("last")), { code: "TAG_USED_UP" });
    const codes = ids.status().troubles.map(({ failure }) => failure.code);
    assert.deepEqual(codes, ["CLOCK_BEHIND", "TAG_USED_UP"]);
    await bench.settle(ids.removeTag("last"));
    assert.equal(ids.status().troubles.length, 1);
    await bench.settle(ids[Symbol.asyncDispose]());
  });

  test("are forgotten where nobody asks any more, and told again only after a while", async () => {
    const { meter, events, bench } = startMeter();
    const failure = idsFailure("TAG_USED_UP");
    for (let minutes = 0; minutes < 12; minutes++) {
      meter.refused({ tag: "a" }, failure);
      assert.equal(meter.troubles().length, 1);
      await bench.advance(61_000);
      assert.equal(meter.troubles().length, 0);
    }
    assert.equal(events.length, 2);
  });

  test("are so many at most, and not those of the Store, which says so itself", () => {
    const { meter, events } = startMeter();
    for (let at = 0; at < 1000; at++) meter.refused({ tag: `tag-${at}` }, idsFailure("TAG_USED_UP"));
    assert.equal(meter.troubles().length, 100);
    assert.equal(events.length, 100);
    meter.refused({ generator: "twitter" }, new AshlarError("NO_LEADER", "", ""));
    meter.refused({ generator: "twitter" }, new TypeError("a bug"));
    assert.equal(meter.refusals.get("NO_LEADER"), 1);
    assert.equal(meter.troubles().length, 100);
  });
});
