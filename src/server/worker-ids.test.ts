import { deepEqual, equal, rejects, throws } from "node:assert/strict";
import { describe, test } from "node:test";
import { decodeId, LAYOUTS } from "../core/id/index.ts";
import { createSimEnv } from "../env/sim/index.ts";
import { openIds } from "../service/ids/index.ts";
import { hasCode } from "../std/errors.ts";
import { MemoryRows, MemoryStore } from "../testing/memory-store.ts";
import { resolveServerOptions } from "./start.ts";
import { withoutUrlPasswords } from "./store-url.ts";
import { openWorkerIds, type WorkerPlace, workerPlace } from "./worker-ids.ts";

function options(workerIds: string) {
  return withoutUrlPasswords(resolveServerOptions([{ label: "test", values: { workerIds } }]));
}

function place(workerIds: string): WorkerPlace | undefined {
  return workerPlace(options(workerIds));
}

describe("--worker-ids", () => {
  test("names a number, or an engine with a place of its own in it", () => {
    equal(workerPlace(resolveServerOptions([])), undefined);
    deepEqual(place("static:0"), { kind: "static", number: 0 });
    deepEqual(place("etcd://127.0.0.1"), {
      ...{ kind: "etcd", endpoints: ["127.0.0.1:2379"], prefix: "/ashlar-workers/", isSecure: false },
      credentials: undefined,
    });
    const redis = { kind: "redis", url: "redis://user@host:6379/3", password: "secret" };
    deepEqual(place("redis://user:secret@host:6379/3"), redis);
    const zookeeper = { kind: "zookeeper", servers: "a:2181,b:2181", path: "/my/place" };
    deepEqual(place("zookeeper://a:2181,b:2181/my/place/"), zookeeper);
    deepEqual(place("zookeeper://a:2181"), { kind: "zookeeper", servers: "a:2181", path: "/ashlar-workers" });
    const database = { kind: "postgres", url: "postgres://user@host/db", password: "p@ss" };
    deepEqual(place("postgres://user:p%40ss@host/db"), database);
    const mysql = { kind: "mysql", host: "db.test", port: 3306, user: "ids", password: "secret", database: "main" };
    deepEqual(place("mysql://ids:secret@db.test/main"), mysql);
    deepEqual(place("mariadb://ids:secret@[::1]:3307/main"), { ...mysql, host: "::1", port: 3307 });
    const { workerIds, workerIdsPassword } = options("postgres://user:p%40ss@host/db");
    deepEqual([workerIds, workerIdsPassword], ["postgres://user@host/db", "p@ss"]);
  });

  test("of a Redis or ZooKeeper whose URL is wrong says what is", () => {
    throws(() => place("redis://host:6379/name"), { message: /no Redis/ });
    throws(() => place("zookeeper://host/path"), { message: /no ZooKeeper/ });
  });

  test("that names none is refused", () => {
    for (const wrong of [
      "",
      "7",
      "static:",
      "static:-1",
      "static:1.5",
      "static:9999999999",
      "redis://",
      "redis://h/name",
      "mysql://h/1",
      "mysql://u@h",
      "mariadb://u@h:0/d",
      "mysql://%zz@h/d",
      "zookeeper://h/p",
      "redis://h:6379/",
      "zookeeper://h:1/..",
      "etcd://a b/p",
    ])
      throws(
        () => place(wrong),
        (error) => hasCode(error, "WORKER_IDS_INVALID"),
        wrong,
      );
  });

  test("static: every id has that number, of two nodes that have it one waits, and a layout without it gives none", async () => {
    const rows = new MemoryRows();
    const { env, scheduler } = createSimEnv({ seed: 1, clock: { epochMillis: Date.UTC(2026, 10, 22) } });
    const node = async (name: string) => {
      const given = await openWorkerIds({ env, options: options("static:777") }, new AsyncDisposableStack());
      return openIds({ store: new MemoryStore(rows), env, node: name, ...given });
    };
    const [one, other] = [await node("one"), await node("other")];
    const ids = await scheduler.settle(one.next("twitter", 3));
    deepEqual(
      ids.map((id) => decodeId(id, LAYOUTS.twitter).worker),
      [777, 777, 777],
    );
    await rejects(scheduler.settle(other.next("twitter")), { code: "WORKERS_EXHAUSTED" });
    await rejects(scheduler.settle(one.next("js53")), { code: "WORKERS_EXHAUSTED" });
    await scheduler.run(scheduler.nowMillis + 1_500);
    // As if the first one had been killed: its window is over.
    const [next] = await scheduler.settle(other.next("twitter"));
    equal(decodeId(next!, LAYOUTS.twitter).worker, 777);
    equal(next! > ids.at(-1)!, true);
    for (const each of [one, other]) await scheduler.settle(Promise.resolve(each[Symbol.asyncDispose]()));
  });
});
