import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { text, utf8 } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { type StoreErrorCode, storeFailure } from "../errors.ts";
import { encodeAddress } from "../key-codec.ts";
import type { CommitEvent } from "../machine.ts";
import type { WatchEvent } from "../store.ts";
import { newCounters } from "./counters.ts";
import { encodePosition, positionsOf } from "./position.ts";
import { WatchHub } from "./watch.ts";

const TABLE = 18;

function newHub(limits: { eventsMax?: number; watchersMax?: number } = {}) {
  const counters = newCounters();
  const hub = new WatchHub({
    positions: positionsOf(1),
    eventsMax: 8,
    bytesMax: 1_000_000,
    watchersMax: 10,
    counters,
    ...limits,
  });
  hub.begin(0);
  return { hub, counters };
}

function event(revision: number, ...keys: string[]): CommitEvent {
  const changes = keys.map((key) => ({
    key: encodeAddress({ table: TABLE, key: utf8(key) }),
    value: utf8(String(revision)),
  }));
  return { revision, changes };
}

function keysOf(next: IteratorResult<WatchEvent, undefined>): string[] | "end" {
  return next.done ? "end" : next.value.changes.map(({ key }) => text(key));
}

function fails(code: StoreErrorCode): (error: unknown) => boolean {
  return (error) => hasCode(error, code);
}

describe("watchers", () => {
  test("begin with the call, not with the first read", async () => {
    const { hub } = newHub();
    hub.publish(event(1, "before"));
    const watcher = hub.watch(TABLE, {}, {});
    hub.publish(event(2, "after"));
    assert.deepEqual(keysOf(await watcher.next()), ["after"]);
  });

  test("get an event that comes while they wait, and those that came while they were busy, in order", async () => {
    const { hub, counters } = newHub();
    const watcher = hub.watch(TABLE, {}, {});
    const waiting = watcher.next();
    for (const revision of [1, 2, 3]) hub.publish(event(revision, `key ${revision}`));
    assert.deepEqual(keysOf(await waiting), ["key 1"]);
    assert.deepEqual(keysOf(await watcher.next()), ["key 2"]);
    const last = watcher.next();
    assert.deepEqual(keysOf(await last), ["key 3"]);
    assert.equal(counters.watchEvents, 3);
  });

  test("that are quiet hear how far they have seen, if they asked to, and can resume there", async () => {
    const { hub } = newHub();
    const asks = hub.watch(TABLE, { from: { key: utf8("quiet") } }, { progress: true });
    assert.deepEqual((await asks.next()).value, { changes: [], position: encodePosition(1, 0) }, "where it begins");
    const doesNot = hub.watch(TABLE, { from: { key: utf8("quiet") } }, {});
    const [told, untold] = [asks.next(), doesNot.next()];
    for (let revision = 1; revision <= 1000; revision++) hub.publish(event(revision, "busy"));
    const progress = await told;
    assert.deepEqual(progress.value, { changes: [], position: encodePosition(1, 1000) });
    hub.publish(event(1001, "quiet"));
    assert.deepEqual(keysOf(await asks.next()), ["quiet"]);
    assert.deepEqual(keysOf(await untold), ["quiet"]);
    const resumed = hub.watch(TABLE, {}, { since: progress.value!.position });
    assert.deepEqual(keysOf(await resumed.next()), ["quiet"]);
  });

  test("see only their range, and of a commit only the part in it", async () => {
    const { hub } = newHub();
    const watcher = hub.watch(TABLE, { from: { key: utf8("b") }, to: { key: utf8("c") } }, {});
    const waiting = watcher.next();
    hub.publish(event(1, "a", "c"));
    hub.publish(event(2, "a", "b1", "b2", "c"));
    assert.deepEqual(keysOf(await waiting), ["b1", "b2"]);
  });

  test("that wait are not slow, however much passes them by", async () => {
    const { hub, counters } = newHub();
    const watcher = hub.watch(TABLE, { from: { key: utf8("z") } }, {});
    const waiting = watcher.next();
    for (let revision = 1; revision <= 100; revision++) hub.publish(event(revision, "a"));
    hub.publish(event(101, "z"));
    assert.deepEqual(keysOf(await waiting), ["z"]);
    assert.equal(counters.slowWatchers, 0);
  });

  test("that are as far behind as the limit go on; one event more and they are slow", async () => {
    const { hub, counters } = newHub({ eventsMax: 4 });
    const [inTime, slow] = [hub.watch(TABLE, {}, {}), hub.watch(TABLE, {}, {})];
    for (let revision = 1; revision <= 4; revision++) hub.publish(event(revision, `key ${revision}`));
    assert.deepEqual(keysOf(await inTime.next()), ["key 1"]);
    hub.publish(event(5, "key 5"));
    assert.deepEqual(keysOf(await inTime.next()), ["key 2"]);
    await assert.rejects(slow.next(), fails("SLOW_WATCHER"));
    assert.equal(keysOf(await slow.next()), "end");
    assert.deepEqual([counters.slowWatchers, counters.watchers], [1, 1]);
  });

  test("begin behind the position they name, if the history reaches back to it", async () => {
    const { hub } = newHub({ eventsMax: 3 });
    for (let revision = 1; revision <= 5; revision++) hub.publish(event(revision, `key ${revision}`));
    const since = (revision: number) => hub.watch(TABLE, {}, { since: encodePosition(1, revision) }).next();
    assert.deepEqual(keysOf(await since(2)), ["key 3"]);
    assert.deepEqual(keysOf(await since(4)), ["key 5"]);
    await assert.rejects(since(1), fails("HISTORY_LOST"));
    await assert.rejects(since(6), fails("POSITION_INVALID"));
    await assert.rejects(hub.watch(TABLE, {}, { since: "none" }).next(), fails("POSITION_INVALID"));
  });

  test("begin at a position whose commit changed nothing, and was told by no event", async () => {
    const { hub } = newHub();
    hub.publish(event(1, "key 1"));
    hub.reach(2);
    const next = hub.watch(TABLE, {}, { since: encodePosition(1, 2) }).next();
    hub.publish(event(3, "key 3"));
    assert.deepEqual(keysOf(await next), ["key 3"]);
  });

  test("whose position is ahead of what is here wait for it, and get what comes behind it", async () => {
    const { hub } = newHub();
    hub.publish(event(1, "key 1"));
    const { promise: caughtUp, resolve } = Promise.withResolvers<number>();
    const watcher = hub.watch(TABLE, {}, { since: encodePosition(1, 3) }, () => caughtUp);
    const next = watcher.next();
    for (const revision of [2, 3]) hub.publish(event(revision, `key ${revision}`));
    resolve(3);
    await caughtUp;
    hub.publish(event(4, "key 4"));
    assert.deepEqual(keysOf(await next), ["key 4"]);
  });

  test("whose position is ahead go on where a snapshot ends at it or before it, and have lost history where it goes beyond", async () => {
    const { hub } = newHub();
    const never = (): Promise<number> => new Promise(() => {});
    const watchers = [3, 4, 5].map((revision) => hub.watch(TABLE, {}, { since: encodePosition(1, revision) }, never));
    const nexts = watchers.map((watcher) => watcher.next());
    hub.skipTo(4);
    for (const revision of [5, 6]) hub.publish(event(revision, `key ${revision}`));
    await assert.rejects(nexts[0]!, fails("HISTORY_LOST"));
    assert.deepEqual(keysOf(await nexts[1]!), ["key 5"]);
    assert.deepEqual(keysOf(await nexts[2]!), ["key 6"]);
  });

  test("whose position is ahead end with their signal, and with what keeps this member from catching up", async () => {
    const { hub, counters } = newHub();
    const since = encodePosition(1, 3);
    const controller = new AbortController();
    const never = (): Promise<number> => new Promise(() => {});
    const given = hub.watch(TABLE, {}, { since, signal: controller.signal }, never).next();
    controller.abort(new Error("late"));
    await assert.rejects(given, { message: "late" });
    const alone = hub.watch(TABLE, {}, { since }, () => Promise.reject(storeFailure("NO_LEADER")));
    await assert.rejects(alone.next(), fails("NO_LEADER"));
    assert.equal(counters.watchers, 0);
  });

  test("are limited in number, and those that ended do not count", async () => {
    const { hub, counters } = newHub({ watchersMax: 2 });
    const [first, second] = [hub.watch(TABLE, {}, {}), hub.watch(TABLE, {}, {})];
    await assert.rejects(hub.watch(TABLE, {}, {}).next(), fails("OVERLOADED"));
    assert.equal(counters.watchers, 2);
    await first.return?.();
    const third = hub.watch(TABLE, {}, {});
    hub.publish(event(1, "a"));
    assert.deepEqual(keysOf(await third.next()), ["a"]);
    assert.deepEqual(keysOf(await second.next()), ["a"]);
    assert.equal(keysOf(await first.next()), "end");
  });

  test("have one reader at a time, and end for it when they are returned", async () => {
    const { hub } = newHub();
    const watcher = hub.watch(TABLE, {}, {});
    const waiting = watcher.next();
    await assert.rejects(watcher.next(), fails("REQUEST_INVALID"));
    await watcher.return?.();
    assert.equal(keysOf(await waiting), "end");
    hub.publish(event(1, "a"));
    assert.equal(keysOf(await watcher.next()), "end");
  });

  test("reject once when the hub closes, and later ones at their first read", async () => {
    const { hub, counters } = newHub();
    const [waiting, idle] = [hub.watch(TABLE, {}, {}), hub.watch(TABLE, {}, {})];
    const next = waiting.next();
    hub.close(new RangeError("closing"));
    await assert.rejects(next, RangeError);
    await assert.rejects(idle.next(), RangeError);
    assert.equal(keysOf(await idle.next()), "end");
    await assert.rejects(hub.watch(TABLE, {}, {}).next(), fails("STOPPED"));
    assert.equal(counters.watchers, 0);
  });

  test("let go of their signal when they end", async () => {
    const { hub } = newHub();
    const controller = new AbortController();
    const watcher = hub.watch(TABLE, {}, { signal: controller.signal });
    await watcher.return?.();
    controller.abort(new RangeError("late"));
    assert.equal(keysOf(await watcher.next()), "end");
  });

  test("of a table that can not be are refused at the first read", async () => {
    const { hub } = newHub();
    await assert.rejects(hub.watch(0, {}, {}).next(), fails("REQUEST_INVALID"));
  });
});
