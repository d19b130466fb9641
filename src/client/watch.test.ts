import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { encodeEvent } from "../codec/event-stream/index.ts";
import { settle } from "../gateway/api/testing/manual-time.ts";
import { text, utf8 } from "../std/bytes.ts";
import { broken, failure, never, ScriptedCluster, streamOf } from "./testing/scripted-cluster.ts";
import type { FetchReply } from "./transport.ts";

const position = (at: string): string => encodeEvent("position", JSON.stringify({ position: at }), at);
const commit = (at: string, ...keys: string[]): string =>
  encodeEvent("commit", JSON.stringify({ changes: keys.map((key) => ({ key, revision: 1 })), position: at }), at);
const refused = (code: string): string => encodeEvent("failure", JSON.stringify({ code, message: "m", advice: "a" }));

function stream(...chunks: readonly string[]): FetchReply {
  return { status: 200, body: streamOf(...chunks) };
}

/** Gives these out and then stays open. */
function openStream(...chunks: readonly string[]): FetchReply {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(utf8(chunk));
    },
  });
  return { status: 200, body };
}

async function watching(...replies: (() => FetchReply | Promise<FetchReply>)[]) {
  const cluster = new ScriptedCluster();
  const ash = await cluster.connect(["a", "b"]);
  cluster.answer = () => (replies.shift() ?? never)();
  const asked = () => cluster.requests.filter(({ path }) => path === "/v1/kv/watch");
  return { cluster, ash, asked };
}

/** Keys by event, until so many are here. */
async function keysOf(watch: AsyncIterator<{ changes: readonly { key: Uint8Array }[] }>, count: number) {
  const events: string[] = [];
  while (events.length < count) {
    const { value } = await watch.next();
    events.push(value.changes.map(({ key }: { key: Uint8Array }) => text(key)).join());
  }
  return events;
}

describe("a watch", () => {
  test("goes on behind the last whole event, at another server, and neither skips nor repeats", async () => {
    const whole = position("p0") + commit("p1", "one") + commit("p2", "two", "too");
    const { cluster, ash, asked } = await watching(
      () => stream(whole.slice(0, 20), whole.slice(20), commit("p3", "three").slice(0, -1)),
      () => broken("ECONNREFUSED"),
      () => openStream(position("p2"), commit("p3", "three")),
    );
    const watch = ash.kv.watch({ prefix: "x" });
    assert.equal(await watch.opened, "p0");
    assert.deepEqual(await keysOf(watch, 2), ["one", "two,too"]);
    const rest = keysOf(watch, 1);
    await settle();
    await cluster.time.advance(1000);
    assert.deepEqual(await rest, ["three"]);
    assert.deepEqual(
      asked().map(({ query }) => query.get("since")),
      [null, "p2", "p2"],
    );
    assert.deepEqual(
      asked().map(({ query }) => query.get("prefix")),
      ["x", "x", "x"],
    );
    await watch.return();
  });

  test("resumes at a position that only told of progress", async () => {
    const { cluster, ash, asked } = await watching(
      () => stream(position("p0"), position("p9")),
      () => openStream(position("p9"), commit("p10", "ten")),
    );
    await using watch = ash.kv.watch({}, { since: "p0" });
    const first = keysOf(watch, 1);
    await settle();
    await cluster.time.advance(1000);
    assert.deepEqual(await first, ["ten"]);
    assert.deepEqual(
      asked().map(({ query }) => query.get("since")),
      ["p0", "p9"],
    );
  });

  for (const code of ["SLOW_WATCHER", "HISTORY_LOST", "ACCESS_DENIED"]) {
    test(`ends with ${code}, behind what came before it`, async () => {
      const { ash } = await watching(() => stream(position("p0"), commit("p1", "one"), refused(code)));
      const watch = ash.kv.watch();
      assert.deepEqual(await keysOf(watch, 1), ["one"]);
      await assert.rejects(watch.next(), { code });
      assert.deepEqual(await watch.next(), { done: true, value: undefined });
    });
  }

  test("goes on where a server stops, and leaves one that is silent", async () => {
    const { cluster, ash, asked } = await watching(
      () => stream(position("p0"), refused("STOPPED")),
      () => openStream(position("p0")),
      () => openStream(position("p0"), commit("p1", "one")),
    );
    await using watch = ash.kv.watch();
    const first = keysOf(watch, 1);
    await settle();
    await cluster.time.advance(20_000);
    assert.deepEqual(await first, ["one"]);
    assert.deepEqual(
      asked().map(({ server }) => server),
      ["a", "b", "a"],
    );
  });

  test("that can not begin says so, to whoever waits for it and to whoever reads", async () => {
    const { ash } = await watching(() => failure(403, "ACCESS_DENIED"));
    const watch = ash.kv.watch();
    await assert.rejects(watch.opened, { code: "ACCESS_DENIED" });
    await assert.rejects(watch.next(), { code: "ACCESS_DENIED" });
  });

  test("ends when it is told to, by return, by its signal or with the client, and keeps nothing", async () => {
    const { cluster, ash } = await watching(
      () => openStream(position("p0")),
      () => openStream(position("p0")),
      () => openStream(position("p0")),
    );
    const returned = ash.kv.watch();
    const waiting = returned.next();
    await returned.opened;
    await returned.return();
    assert.deepEqual(await waiting, { done: true, value: undefined });
    const leave = new AbortController();
    const aborted = ash.kv.watch({}, { signal: leave.signal });
    await aborted.opened;
    leave.abort(new RangeError("enough"));
    await assert.rejects(aborted.next(), RangeError);
    const closed = ash.kv.watch();
    await closed.opened;
    await ash.close();
    await assert.rejects(closed.next(), { code: "CLOSED" });
    assert.equal(cluster.time.timers, 0);
  });
});
