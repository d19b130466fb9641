import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decodeId, defineLayout } from "../core/id/index.ts";
import { GrowingCluster } from "../server/testing/growing-cluster.ts";
import { startServerProcess } from "../testing/server-process.ts";
import { type Ashlar, connect } from "./index.ts";

// Ids over real servers, processes of their own.

const PATIENCE = { timeoutMillis: 60_000 };

/** Draws without a pause until it is told to stop; each caller's numbers are in the order in which he got them. */
async function drawUntil(stop: AbortSignal, draw: () => Promise<bigint>): Promise<readonly bigint[]> {
  const ids: bigint[] = [];
  while (!stop.aborted) ids.push(await draw());
  return ids;
}

function isRising(ids: readonly bigint[]): boolean {
  return ids.every((id, at) => at === 0 || id > ids[at - 1]!);
}

async function allOf<T>(list: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const each of list) all.push(each);
  return all;
}

describe("ids of the client", () => {
  test("come once while a node of three is killed, and of an ordered tag in their order", async () => {
    await using cluster = await GrowingCluster.of(false, ["b", "c"]);
    const urls = [...cluster.running.values()].map(({ api }) => api);
    const credentials = cluster.first;
    await using parts = new AsyncDisposableStack();
    const clients: Ashlar[] = [];
    for (const url of urls) clients.push(parts.use(await connect([url, ...urls], { credentials })));
    const [{ ids }] = clients as [Ashlar];
    await ids.tags.create("orders", { step: 100 });
    await ids.tags.create("tickets", { order: "global" });
    const stop = new AbortController();
    const callers = clients.flatMap((client) => Array.from({ length: 4 }, () => client.ids));
    const orders = callers.map((each) => drawUntil(stop.signal, () => each.next("orders", PATIENCE)));
    const tickets = callers.map((each) => drawUntil(stop.signal, () => each.next("tickets", PATIENCE)));
    const made = callers.map((each) => drawUntil(stop.signal, () => each.make("twitter", PATIENCE)));
    const drawn = [orders, tickets, made];
    for (const each of drawn.flat()) each.catch(() => {});
    for (let at = 0; at < 20; at++) await ids.nextMany("tickets", 10, PATIENCE);
    await cluster.stop("a");
    // What is answered behind this was drawn without the node.
    for (const each of clients) {
      for (let at = 0; at < 20; at++) await each.ids.nextMany("tickets", 10, PATIENCE);
      await each.ids.next("orders", PATIENCE);
      await each.ids.make("twitter", PATIENCE);
    }
    stop.abort();
    for (const each of drawn) {
      const all = (await Promise.all(each)).flat();
      assert.ok(all.length > callers.length, `${all.length} ids`);
      assert.equal(new Set(all).size, all.length);
    }
    for (const each of tickets) assert.ok(isRising(await each));
  });

  test("are drawn a hundred thousand at a time, from tags and generators that are defined and removed", async () => {
    await using server = await startServerProcess();
    await using ash = await connect(server.api, { credentials: server });
    const { ids } = ash;
    const tag = await ids.tags.create("a:b=c@d,+.-", { step: 10, first: 1n << 60n, description: "of orders" });
    assert.deepEqual(tag, await ids.tags.get(tag.name));
    const numbers = await Promise.all(Array.from({ length: 100_000 }, () => ids.next(tag.name)));
    assert.equal(numbers[0], 1n << 60n);
    assert.ok(isRising(numbers));
    const moved = await ids.tags.update(tag.name, { first: 1n << 61n });
    assert.deepEqual([moved.nextNumber, moved.step], [1n << 61n, 10]);
    const listed = await allOf(ids.tags.list());
    assert.deepEqual(listed, [moved]);

    const before = Date.now();
    const mine = await ids.generators.define("mine", {
      layout: "twitter",
      epochMillis: Date.UTC(2026, 0, 1),
      workers: 2,
    });
    assert.deepEqual((await allOf(ids.generators.list())).at(-1), mine);
    const many = await ids.makeMany("mine", 1000);
    const [id] = many as [bigint];
    assert.ok(isRising(many));
    const { timeMillis } = decodeId(id, defineLayout(mine));
    assert.ok(timeMillis >= before && timeMillis < Date.now() + 1000);
    const readings = await ids.explain(id);
    assert.equal(readings.find(({ kind }) => kind === "mine")!.timeMillis, timeMillis);

    await ids.generators.remove("mine");
    await assert.rejects(ids.make("mine"), { code: "GENERATOR_MISSING" });
    await ids.tags.remove(tag.name);
    assert.equal(await ids.tags.get(tag.name), undefined);
    await assert.rejects(ids.next(tag.name), { code: "TAG_MISSING" });
  });
});
