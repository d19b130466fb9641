import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { settle } from "../gateway/api/testing/manual-time.ts";
import {
  type Answer,
  broken,
  failure,
  json,
  never,
  type Request,
  ScriptedCluster,
} from "./testing/scripted-cluster.ts";

const ORDERS = "/v1/ids/tags/orders/next";

/** Counts as a tag does, from 2^60 on. */
class Counter {
  next = 1n << 60n;

  readonly answer = ({ query }: Request): Answer => {
    const count = Number(query.get("count"));
    const ids = Array.from({ length: count }, (_, at) => String(this.next + BigInt(at)));
    this.next += BigInt(count);
    return json(200, { ids });
  };
}

/** How many ids each request asked for. */
function countsOf(cluster: ScriptedCluster, path = ORDERS): readonly number[] {
  return cluster.requests.filter((request) => request.path === path).map(({ query }) => Number(query.get("count")));
}

function waiting(): { promise: Promise<void>; go: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { promise, go: resolve };
}

describe("calls for ids", () => {
  test("of one turn share a request, and each gets what is its own, in their order", async () => {
    const cluster = new ScriptedCluster();
    await using ash = await cluster.connect(["a"]);
    cluster.answer = new Counter().answer;
    const calls = [ash.ids.next("orders"), ash.ids.nextMany("orders", 3), ash.ids.next("orders")] as const;
    const [first, [...more], last] = await Promise.all(calls);
    const from = 1n << 60n;
    assert.deepEqual([first, ...more, last], [from, from + 1n, from + 2n, from + 3n, from + 4n]);
    assert.deepEqual(countsOf(cluster), [5]);
    assert.equal(cluster.time.timers, 0);
  });

  test("thirty thousand of them are three requests, all different", async () => {
    const cluster = new ScriptedCluster();
    await using ash = await cluster.connect(["a"]);
    cluster.answer = new Counter().answer;
    const { signal } = new AbortController();
    const calls = Array.from({ length: 30_000 }, () => ash.ids.next("orders", { signal }));
    assert.equal(new Set(await Promise.all(calls)).size, 30_000);
    assert.deepEqual(countsOf(cluster), Array(3).fill(10_000));
  });

  test("that come while a request is under way wait for its end, so that what they get was counted after they came", async () => {
    const cluster = new ScriptedCluster();
    await using ash = await cluster.connect(["a"]);
    const counter = new Counter();
    const { promise, go } = waiting();
    cluster.answer = (request) => promise.then(() => counter.answer(request));
    const first = ash.ids.next("orders");
    await settle();
    const later = [ash.ids.next("orders"), ash.ids.next("orders")];
    await settle();
    assert.deepEqual(countsOf(cluster), [1]);
    go();
    assert.equal(await first, 1n << 60n);
    assert.deepEqual(await Promise.all(later), [(1n << 60n) + 1n, (1n << 60n) + 2n]);
    assert.deepEqual(countsOf(cluster), [1, 2]);
  });

  test("of other tags and of generators do not wait for each other", async () => {
    const cluster = new ScriptedCluster();
    await using ash = await cluster.connect(["a"]);
    const counter = new Counter();
    cluster.answer = (request) => (request.path === ORDERS ? never() : counter.answer(request));
    const stuck = assert.rejects(ash.ids.next("orders"), { code: "CLOSED" });
    await ash.ids.next("a:b");
    await ash.ids.make("twitter");
    assert.equal((await ash.ids.makeMany("orders", 7)).length, 7);
    const paths = cluster.requests.slice(1).map(({ path }) => path);
    const generators = "/v1/ids/generators";
    assert.deepEqual(paths, [
      ORDERS,
      "/v1/ids/tags/a%3Ab/next",
      `${generators}/twitter/next`,
      `${generators}/orders/next`,
    ]);
    await ash.close();
    await stuck;
    await assert.rejects(ash.ids.next("orders"), { code: "CLOSED" });
  });

  test("that are given up take their ids with them: nobody else gets those", async () => {
    const cluster = new ScriptedCluster();
    await using ash = await cluster.connect(["a"]);
    const counter = new Counter();
    const { promise, go } = waiting();
    cluster.answer = (request) => promise.then(() => counter.answer(request));
    const leave = new AbortController();
    const kept = [ash.ids.next("orders")];
    const left = [1, 2].map(() => assert.rejects(ash.ids.next("orders", { signal: leave.signal }), RangeError));
    kept.push(ash.ids.next("orders"));
    await settle();
    const waits = assert.rejects(ash.ids.next("orders", { signal: leave.signal }), RangeError);
    leave.abort(new RangeError("enough"));
    await Promise.all([...left, waits]);
    await assert.rejects(ash.ids.next("orders", { signal: leave.signal }), RangeError);
    go();
    assert.deepEqual(await Promise.all(kept), [1n << 60n, (1n << 60n) + 3n]);
    assert.deepEqual(countsOf(cluster), [4]);
  });

  test("have each its own time, and the last one to leave ends the request", async () => {
    const cluster = new ScriptedCluster();
    await using ash = await cluster.connect(["a"], { attemptMillisMax: 60_000 });
    cluster.answer = never;
    const over: number[] = [];
    const calls = [300, 100, 200].map((timeoutMillis) =>
      assert.rejects(ash.ids.next("orders", { timeoutMillis }), { code: "DEADLINE_EXCEEDED" }).then(() => {
        over.push(timeoutMillis);
      }),
    );
    await settle();
    await cluster.time.advance(100);
    assert.deepEqual(over, [100]);
    await cluster.time.advance(100);
    assert.deepEqual(over, [100, 200]);
    assert.equal(cluster.requests.at(-1)!.signal.aborted, false);
    await cluster.time.advance(100);
    await Promise.all(calls);
    assert.equal(cluster.requests.at(-1)!.signal.aborted, true);
    assert.equal(cluster.time.timers, 0);
    cluster.answer = new Counter().answer;
    assert.equal(await ash.ids.next("orders"), 1n << 60n, "and the next request goes out");
  });

  test("whose reply is lost are asked for again, at any server: what was drawn before is nobody's", async () => {
    const cluster = new ScriptedCluster();
    await using ash = await cluster.connect(["a", "b", "c"]);
    const counter = new Counter();
    cluster.answer = (request) => {
      if (request.server === "c") return failure(503, "WORKERS_EXHAUSTED");
      const answer = counter.answer(request);
      return request.server === "a" ? broken("ECONNRESET") : answer;
    };
    assert.equal(await ash.ids.next("orders"), (1n << 60n) + 1n);
    assert.deepEqual(cluster.asked(ORDERS), ["a", "b"]);
    await cluster.time.advance(0);
    cluster.answer = () => failure(503, "CLOCK_BEHIND");
    const late = assert.rejects(ash.ids.next("orders", { timeoutMillis: 400 }), { code: "CLOCK_BEHIND" });
    await settle();
    await cluster.time.advance(400);
    await late;
  });

  test("that are too many for a generator's time or a tag's end are asked for in smaller batches", async () => {
    const cluster = new ScriptedCluster();
    await using ash = await cluster.connect(["a"]);
    const counter = new Counter();
    cluster.answer = (request) =>
      Number(request.query.get("count")) > 3 ? failure(503, "UNIT_FULL") : counter.answer(request);
    const calls = Array.from({ length: 11 }, () => ash.ids.next("orders"));
    const from = 1n << 60n;
    assert.deepEqual(
      await Promise.all(calls),
      calls.map((_, at) => from + BigInt(at)),
    );
    assert.deepEqual(countsOf(cluster).slice(0, 3), [11, 5, 2]);
    await assert.rejects(ash.ids.nextMany("orders", 4), { code: "UNIT_FULL" });
    let left = 2;
    cluster.answer = (request) => {
      if (Number(request.query.get("count")) > left) return failure(409, "TAG_USED_UP");
      left -= Number(request.query.get("count"));
      return counter.answer(request);
    };
    const last = await Promise.allSettled(Array.from({ length: 4 }, () => ash.ids.next("orders")));
    assert.deepEqual(
      last.map(({ status }) => status),
      ["fulfilled", "fulfilled", "rejected", "rejected"],
    );
    const asked = cluster.requests.length;
    const none = await Promise.allSettled(Array.from({ length: 1000 }, () => ash.ids.next("orders")));
    assert.ok(none.every(({ status }) => status === "rejected"));
    assert.ok(cluster.requests.length - asked <= 11, "those who come behind the last number do not ask one by one");
  });

  test("never get what is no number, or fewer than they asked for", async () => {
    const cluster = new ScriptedCluster();
    await using ash = await cluster.connect(["a"]);
    for (const ids of [[], ["1", "2"], [""], ["-1"], [7], ["0x10"], "1", null]) {
      cluster.answer = () => json(200, { ids });
      await assert.rejects(ash.ids.next("orders"), { code: "REPLY_UNREADABLE" }, JSON.stringify(ids));
    }
  });

  test("with arguments that can not be send nothing", async () => {
    const cluster = new ScriptedCluster();
    await using ash = await cluster.connect(["a"]);
    for (const count of [0, -1, 1.5, Number.NaN, 100_001])
      await assert.rejects(ash.ids.nextMany("orders", count), { code: "ARGUMENT_INVALID" });
    for (const name of ["", ".", ".."]) {
      await assert.rejects(ash.ids.next(name), { code: "ARGUMENT_INVALID" });
      await assert.rejects(ash.ids.tags.remove(name), { code: "ARGUMENT_INVALID" });
    }
    const epochMillis = -1;
    await assert.rejects(ash.ids.generators.define("mine", { layout: "twitter", epochMillis }), {
      code: "ARGUMENT_INVALID",
    });
    assert.equal(cluster.requests.length, 1);
  });
});

describe("tags and generators", () => {
  const ORDER = { name: "orders", order: "node", step: 10, next: "9007199254740993", description: "" };
  const TAG = { ...ORDER, updatedAt: "2026-11-21T12:00:00.000Z" };

  test("are listed page by page, exactly", async () => {
    const cluster = new ScriptedCluster();
    await using ash = await cluster.connect(["a"]);
    cluster.answer = ({ query }) => json(200, { items: [TAG], ...(!query.has("after") && { next: "orders" }) });
    const tags = [];
    for await (const tag of ash.ids.tags.list()) tags.push(tag);
    assert.equal(tags.length, 2);
    const { next: _, updatedAt: __, ...same } = TAG;
    assert.deepEqual(tags[0], { ...same, nextNumber: 9007199254740993n, updatedMillis: Date.UTC(2026, 10, 21, 12) });
    const queries = cluster.requests.slice(1).map(({ query }) => query.toString());
    assert.deepEqual(queries, ["limit=1000", "limit=1000&after=orders"]);
  });

  test("are sent as the API has them", async () => {
    const cluster = new ScriptedCluster();
    await using ash = await cluster.connect(["a"]);
    cluster.answer = () => json(201, TAG);
    await ash.ids.tags.create("orders", { order: "global", first: 1n << 62n });
    await ash.ids.tags.update("orders", { step: 5 });
    const twitter = { name: "mine", builtIn: false, epoch: "2026-01-01T00:00:00.000Z", timeBits: 41 };
    cluster.answer = () => json(201, twitter);
    const epochMillis = Date.UTC(2026, 0, 1);
    const made = await ash.ids.generators.define("mine", { layout: "twitter", epochMillis, workers: 8 });
    assert.deepEqual(made, { name: "mine", isBuiltIn: false, epochMillis, timeBits: 41 });
    cluster.answer = () => json(204);
    await ash.ids.generators.remove("mine");
    assert.deepEqual(
      cluster.requests.slice(1).map(({ method, path, body }) => [method, path, body]),
      [
        ["PUT", "/v1/ids/tags/orders", { order: "global", first: "4611686018427387904" }],
        ["PATCH", "/v1/ids/tags/orders", { step: 5 }],
        ["PUT", "/v1/ids/generators/mine", { layout: "twitter", workers: 8, epoch: "2026-01-01T00:00:00.000Z" }],
        ["DELETE", "/v1/ids/generators/mine", undefined],
      ],
    );
    cluster.answer = () => failure(404, "TAG_MISSING");
    assert.equal(await ash.ids.tags.get("orders"), undefined);
    await assert.rejects(ash.ids.tags.remove("orders"), { code: "TAG_MISSING" });
  });

  test("are not changed twice: where the reply is lost the outcome is unknown", async () => {
    const cluster = new ScriptedCluster();
    await using ash = await cluster.connect(["a", "b"]);
    cluster.answer = () => broken("ECONNRESET");
    await assert.rejects(ash.ids.tags.create("orders"), { code: "OUTCOME_UNKNOWN" });
    assert.equal(cluster.requests.length, 2);
    cluster.answer = ({ server }) => (server === "b" ? broken("ECONNREFUSED") : json(201, TAG));
    assert.equal((await ash.ids.tags.create("orders")).name, "orders");
  });

  test("an id is explained with its numbers as they are", async () => {
    const cluster = new ScriptedCluster();
    await using ash = await cluster.connect(["a"]);
    const reading = { kind: "twitter", id: "1541815603606036480", plausibility: "likely", why: "It fits." };
    const fields = [{ name: "time", bits: 41, value: "367597485448" }];
    const time = "2022-06-28T16:07:40.105Z";
    cluster.answer = () => json(200, { items: [{ ...reading, fields, time }] });
    assert.deepEqual(await ash.ids.explain(1541815603606036480n), [
      {
        ...{ ...reading, id: 1541815603606036480n, fields: [{ ...fields[0], value: 367597485448n }] },
        ...{ time, timeMillis: 1656432460105 },
      },
    ]);
    assert.equal(cluster.requests.at(-1)!.query.get("id"), "1541815603606036480");
  });
});
