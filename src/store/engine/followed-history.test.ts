import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { text, utf8 } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { encodeAddress } from "../key-codec.ts";
import type { CommitEvent } from "../machine.ts";
import { newCounters } from "../replicated/counters.ts";
import type { WatchOptions } from "../store.ts";
import { FollowedHistory } from "./followed-history.ts";
import { enginePositions } from "./positions.ts";

const TABLE = 200;
const positions = enginePositions("e1", "test");

function begun(revision: number): FollowedHistory {
  const history = new FollowedHistory({
    ...{ positions, historyBytesMax: 1_000_000, watchersMax: 10, counters: newCounters() },
  });
  history.begin(revision);
  return history;
}

function event(revision: number): CommitEvent {
  return { revision, changes: [{ key: encodeAddress({ table: TABLE, key: utf8(`${revision}`) }), value: utf8("v") }] };
}

function watch(history: FollowedHistory, options: WatchOptions = {}, newest = 100) {
  return history.watch(TABLE, {}, options, () => Promise.resolve(newest));
}

async function next(watcher: ReturnType<typeof watch>): Promise<string> {
  return text((await watcher.next()).value!.changes[0]!.key);
}

describe("a history that is followed", () => {
  test("tells nothing that was acknowledged before a watch began, though it comes later", async () => {
    const history = begun(1);
    history.acknowledge(3);
    const watcher = watch(history);
    const told = next(watcher);
    for (const revision of [2, 3, 4]) history.publish(event(revision));
    assert.equal(await told, "4");
  });

  test("lets a read wait for what was acknowledged, and then tells what is in its place", async () => {
    const history = begun(1);
    const watcher = watch(history);
    history.publish(event(2));
    history.acknowledge(5);
    let isTold = false;
    const told = next(watcher).then((key) => {
      isTold = true;
      return key;
    });
    history.publish(event(4));
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(isTold, false);
    // The commit of revision 5 changed no row of a caller.
    history.advance(5);
    assert.equal(await told, "2");
    assert.equal(await next(watcher), "4");
  });

  test("ends a read that waits with its signal and when it closes", async () => {
    const history = begun(1);
    const controller = new AbortController();
    const watchers = [watch(history, { signal: controller.signal }), watch(history)];
    history.acknowledge(9);
    const [first, second] = watchers.map((watcher) => watcher.next());
    controller.abort(new RangeError("enough"));
    await assert.rejects(first!, RangeError);
    history.close();
    await assert.rejects(second!, (error) => hasCode(error, "STOPPED"));
  });

  test("refuses positions that were never given out, and tells who missed something", async () => {
    const history = begun(1);
    await assert.rejects(watch(history, { since: positions.encode(101) }).next(), (error) =>
      hasCode(error, "POSITION_INVALID"),
    );
    const watcher = watch(history);
    history.skipTo(50);
    await assert.rejects(watcher.next(), (error) => hasCode(error, "HISTORY_LOST"));
    await assert.rejects(watch(history, { since: positions.encode(10) }).next(), (error) =>
      hasCode(error, "HISTORY_LOST"),
    );
  });
});
