import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { text } from "../../../std/bytes.ts";
import type { Commit, CommitResult } from "../../../store/index.ts";
import { MemoryStore } from "../../../testing/memory-store.ts";
import { ManualTime, NOW } from "../testing/manual-time.ts";
import { type Event, EventLog } from "./event-log.ts";
import { Watchers } from "./watchers.ts";

const newEvent = (object: string) => ({ severity: "info" as const, kind: "test", object, text: "It happened." });
const objectsOf = (events: readonly Event[]) => events.map(({ object }) => object);

describe("the event log", () => {
  test("keeps events over a restart, in the order in which they happened", async () => {
    const store = new MemoryStore();
    const time = new ManualTime();
    {
      await using log = await EventLog.open(store, time);
      for (const object of ["one", "two"]) log.record(newEvent(object));
    }
    await using log = await EventLog.open(store, time);
    log.record(newEvent("three"));
    await log.settled();
    const { items } = await log.page({ limit: 10 });
    assert.deepEqual(objectsOf(items), ["three", "two", "one"]);
    assert.equal(items[0]!.atMillis, NOW);
  });

  test("keeps its order where the clock goes back", async () => {
    const store = new MemoryStore();
    const clock = { now: () => millis, monotonic: () => 0 };
    let millis = NOW;
    await using log = await EventLog.open(store, clock);
    for (const back of [0, 10_000, 500, 20_000]) {
      millis = NOW - back;
      log.record(newEvent(String(back)));
    }
    await log.settled();
    await using again = await EventLog.open(store, clock);
    again.record(newEvent("last"));
    await again.settled();
    assert.deepEqual(objectsOf((await again.page({ limit: 10 })).items), ["last", "20000", "500", "10000", "0"]);
  });

  test("lets the oldest go beyond its limit", async () => {
    const store = new MemoryStore();
    const time = new ManualTime();
    await using log = await EventLog.open(store, time, { eventsMax: 100, waitingMax: 1000 });
    for (let at = 0; at < 500; at++) log.record(newEvent(String(at)));
    await log.settled();
    const { items } = await log.page({ limit: 1000 });
    assert.ok(items.length >= 100 && items.length < 150, String(items.length));
    assert.equal(items[0]!.object, "499");
    assert.deepEqual(
      objectsOf(items),
      Array.from(items, (_, at) => String(499 - at)),
    );
  });

  test("shows an event to watchers also where the Store does not take it, and counts it as lost", async () => {
    class Refusing extends MemoryStore {
      override commit(_: Commit): Promise<CommitResult> {
        return Promise.reject(new Error("stopped"));
      }
    }
    await using log = await EventLog.open(new Refusing(), new ManualTime(), { waitingMax: 3 });
    const seen: Event[] = [];
    const stop = log.subscribe((event) => void seen.push(event));
    for (let at = 0; at < 5; at++) log.record(newEvent(String(at)));
    await log.settled();
    assert.deepEqual(objectsOf(seen), ["0", "1", "2", "3", "4"]);
    assert.equal(log.lost, 5);
    stop();
    log.record(newEvent("unseen"));
    assert.equal(seen.length, 5);
  });

  test("leaves data out that would make an event too long, and passes over rows of later versions", async () => {
    const store = new MemoryStore();
    await using log = await EventLog.open(store, new ManualTime());
    log.record({ ...newEvent("long"), data: { filler: "x".repeat(10_000) } });
    await log.settled();
    const [event] = (await log.page({ limit: 1 })).items;
    assert.deepEqual([event!.object, event!.data], ["long", undefined]);
    await store.commit({ puts: [{ table: 64, key: new Uint8Array(12).fill(0xff), value: Uint8Array.of(1, 2) }] });
    assert.deepEqual(objectsOf((await log.page({ limit: 10 })).items), ["long"]);
  });
});

describe("watchers", () => {
  const LIMITS = { watchersMax: 2, queueMax: 3, lifeMillisMax: 1000 };
  const message = (data: number) => ({ type: "sample" as const, data });
  const read = async (source: { read(): Promise<Uint8Array | null> }) => {
    const chunk = await source.read();
    return chunk === null ? null : text(chunk);
  };

  test("get what is sent, together where it came together", async () => {
    using watchers = new Watchers(new ManualTime(), LIMITS);
    const source = watchers.open([message(1)]);
    assert.equal(await read(source), "retry: 2000\n\nevent: sample\ndata: 1\n\n");
    const waiting = read(source);
    watchers.send(message(2));
    assert.equal(await waiting, "event: sample\ndata: 2\n\n");
  });

  test("that are slow miss messages and are told how many, and hold up nobody", async () => {
    using watchers = new Watchers(new ManualTime(), LIMITS);
    const slow = watchers.open([]);
    await read(slow);
    for (let at = 0; at < 10; at++) watchers.send(message(at));
    assert.equal(
      await read(slow),
      `${[0, 1, 2].map((at) => `event: sample\ndata: ${at}\n\n`).join("")}event: lost\ndata: 7\n\n`,
    );
    watchers.send(message(10));
    assert.equal(await read(slow), "event: sample\ndata: 10\n\n");
  });

  test("are let go of when they leave, when their time is over, and when the server stops", async () => {
    const time = new ManualTime();
    const watchers = new Watchers(time, LIMITS);
    const first = watchers.open([]);
    first.cancel();
    assert.equal(watchers.count, 0);
    const second = watchers.open([]);
    await read(second);
    await time.advance(1000);
    assert.equal(await read(second), null);
    const third = watchers.open([]);
    await read(third);
    const waiting = read(third);
    watchers[Symbol.dispose]();
    assert.equal(await waiting, null);
    assert.deepEqual([watchers.count, time.timers], [0, 0]);
  });

  test("are limited in number", () => {
    using watchers = new Watchers(new ManualTime(), LIMITS);
    watchers.open([]);
    watchers.open([]);
    assert.throws(() => watchers.open([]), { code: "WATCHERS_EXHAUSTED" });
  });
});
