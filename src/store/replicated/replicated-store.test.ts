import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Index, Indexes } from "../../env/index.ts";
import { SimDisk, SimScheduler } from "../../env/sim/index.ts";
import { hostFailure } from "../../host/index.ts";
import { AssertionError } from "../../std/assert.ts";
import { utf8 } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { checkpointName, listCheckpoints } from "../checkpoint.ts";
import { decodeCommand } from "../command.ts";
import type { StoreErrorCode } from "../errors.ts";
import type { CommandResult } from "../machine.ts";
import { calmEnv, HostedStore, type HostOptions, SimStore } from "../testing/hosted-store.ts";
import { at, end, put, TABLE } from "../testing/machine-driver.ts";
import type { StoreGroup } from "./group.ts";
import { REPLICATED_DEFAULTS } from "./options.ts";

const scheduler = new SimScheduler();
const MIB = 1024 * 1024;
const SMALL = { segmentBytes: MIB / 4 };

function storeTest(name: string, options: HostOptions, run: (hosted: HostedStore) => Promise<void>): void {
  test(name, () =>
    scheduler.settle(
      (async () => {
        await using hosted = await HostedStore.start(calmEnv(scheduler), { ...SMALL, ...options });
        await run(hosted);
      })(),
    ),
  );
}

function fails(code: StoreErrorCode): (error: unknown) => boolean {
  return (error) => hasCode(error, code);
}

/** A group whose proposals pass through `propose`. */
function through(
  propose: (command: Uint8Array, group: StoreGroup) => Promise<CommandResult>,
): (group: StoreGroup) => StoreGroup {
  return (group) => ({
    propose: (command) => propose(command, group),
    readBarrier: () => group.readBarrier(),
    compact: (index) => group.compact(index),
    observe: (observer) => group.observe(observer),
    get logBytesSinceCompaction() {
      return group.logBytesSinceCompaction;
    },
    get lead() {
      return group.lead;
    },
    get isLeader() {
      return group.isLeader;
    },
    get status() {
      return group.status;
    },
    [Symbol.asyncDispose]: () => group[Symbol.asyncDispose](),
  });
}

async function write(hosted: HostedStore, count: number, valueBytes = 100): Promise<void> {
  const value = "v".repeat(valueBytes);
  for (let number = 0; number < count; number++) {
    await hosted.store.commit({ puts: [put(`row ${number % 50}`, value)] });
  }
}

/** Of the state as it is now: nothing is under way. */
function nextCheckpoint({ log }: HostedStore): string {
  return checkpointName("store", log.group(1).lastIndex);
}

describe("commits in flight", () => {
  storeTest("are limited in number", { store: { commitsMax: 3 } }, async ({ store }) => {
    const first = [1, 2, 3].map((number) => store.commit({ puts: [put(`row ${number}`)] }));
    await assert.rejects(store.commit({ puts: [put("refused")] }), fails("OVERLOADED"));
    assert.equal(store.counters.overloads, 1);
    for (const result of first) assert.equal((await result).committed, true);
    assert.equal((await store.get(at("refused"))).row, undefined);
    await Promise.all([1, 2, 3].map((number) => store.commit({ puts: [put(`row ${number}`)] })));
  });

  storeTest("are limited in bytes", { store: { commitsBytesMax: 1000 } }, async ({ store }) => {
    const first = store.commit({ puts: [put("a", "x".repeat(900))] });
    await assert.rejects(store.commit({ puts: [put("b", "x".repeat(100))] }), fails("OVERLOADED"));
    const small = store.commit({ puts: [put("c")] });
    await Promise.all([first, small]);
    await store.commit({ puts: [put("b", "x".repeat(900))] });
  });

  storeTest(
    "count until they are answered, also where their caller has gone",
    { store: { commitsMax: 1 } },
    async (hosted) => {
      const { store } = hosted;
      const controller = new AbortController();
      const first = store.commit({ puts: [put("a")] }, { signal: controller.signal });
      controller.abort();
      await assert.rejects(first, fails("OUTCOME_UNKNOWN"));
      await assert.rejects(store.commit({ puts: [put("b")] }), fails("OVERLOADED"));
      while ((await store.get(at("a"))).row === undefined) await hosted.elapse(1);
      await store.commit({ puts: [put("b")] });
    },
  );

  test("have an unknown outcome where the log fails under them", () =>
    scheduler.settle(
      (async () => {
        const started = await SimStore.begin({ seed: 1, scheduler }, SMALL);
        await started.store.commit({ puts: [put("a")] });
        started.machine.disk.failNext("sync");
        await assert.rejects(started.store.commit({ puts: [put("b")] }), fails("OUTCOME_UNKNOWN"));
        await assert.rejects(started.store.commit({ puts: [put("c")] }), fails("OUTCOME_UNKNOWN"));
        await started.crash();
        assert.ok((await started.store.get(at("a"))).row);
        await started.close();
      })(),
    ));

  let answer: Promise<CommandResult> | undefined;
  const disturbed = { wrapGroup: through((command, group) => answer ?? group.propose(command)) };
  storeTest("are refused by the host with the Store's codes", disturbed, async ({ store }) => {
    const commit = () => store.commit({ puts: [put("a")] });
    answer = Promise.reject(hostFailure("OVERLOADED"));
    await assert.rejects(commit(), fails("OVERLOADED"));
    answer = Promise.reject(hostFailure("STOPPED"));
    await assert.rejects(
      commit(),
      (error) => fails("OUTCOME_UNKNOWN")(error) && hasCode((error as Error).cause, "STOPPED"),
    );
    answer = Promise.reject(new AssertionError("a bug"));
    await assert.rejects(commit(), AssertionError);
    answer = undefined;
    assert.equal((await commit()).committed, true);
  });
});

describe("checkpoints", () => {
  const often = { store: { checkpointBytesMin: 10_000 } };

  storeTest("are written as the log grows; two are kept, and the log behind the older one", often, async (hosted) => {
    await write(hosted, 400);
    const { counters } = hosted.store;
    assert.ok(counters.checkpoints >= 3);
    assert.equal(counters.checkpointFailures, 0);
    const files = await listCheckpoints(hosted.env.disk, "store");
    assert.equal(files.length, 2);
    const { compaction } = hosted.log.group(1);
    assert.ok(compaction.index > 0 && compaction.index <= files[1]!.appliedIndex);
    assert.ok(hosted.log.group(1).entryBytes < 4 * 10_000);
  });

  storeTest("come at their interval, no sooner after a restart", often, async (hosted) => {
    await write(hosted, 100);
    await hosted.reopen();
    const { counters } = hosted.store;
    await write(hosted, 20);
    assert.equal(counters.checkpoints, 0);
    await write(hosted, 20);
    assert.equal(counters.checkpoints, 1);
  });

  storeTest(
    "of a large Store come when as much as their size has been written",
    { ...often, segmentBytes: MIB },
    async (hosted) => {
      for (let number = 0; number < 10; number++)
        await hosted.store.commit({ puts: [put(`large ${number}`, "x".repeat(100_000))] });
      await hosted.store.checkpoint();
      const before = hosted.store.counters.checkpoints;
      await write(hosted, 600, 1000);
      assert.equal(hosted.store.counters.checkpoints, before);
      await write(hosted, 600, 1000);
      assert.equal(hosted.store.counters.checkpoints, before + 1);
    },
  );

  storeTest("are not written twice of one state", {}, async (hosted) => {
    await hosted.store.checkpoint();
    assert.equal(hosted.store.counters.checkpoints, 0, "there is nothing yet");
    await write(hosted, 3);
    await Promise.all([hosted.store.checkpoint(), hosted.store.checkpoint()]);
    await hosted.store.checkpoint();
    assert.equal(hosted.store.counters.checkpoints, 1);
    await hosted.reopen();
    await hosted.store.checkpoint();
    assert.equal(hosted.store.counters.checkpoints, 0, "a new term makes no other state");
  });

  test("that fail leave the log alone and are tried again later", () =>
    scheduler.settle(
      (async () => {
        const options = { ...SMALL, store: { checkpointBytesMin: 10_000, checkpointRetryMillis: 5000 } };
        await using started = await SimStore.begin({ seed: 2, scheduler }, options);
        await write(started, 50);
        const founded = started.log.group(1).compaction.index;
        const name = `${nextCheckpoint(started)}.tmp`;
        started.machine.disk.failNext("write", name);
        await assert.rejects(started.store.checkpoint(), (error) => hasCode(error, "DISK_FAILED"));
        await write(started, 100);
        assert.deepEqual([started.store.counters.checkpoints, started.store.counters.checkpointFailures], [0, 1]);
        assert.equal(started.log.group(1).compaction.index, founded);
        await started.elapse(5000);
        await write(started, 1);
        await started.elapse(1000);
        assert.equal(started.store.counters.checkpoints, 1);
      })(),
    ));

  test("that can not be read back are not kept", () =>
    scheduler.settle(
      (async () => {
        const device = new SimDisk();
        await using hosted = await HostedStore.start(calmEnv(scheduler, device), SMALL);
        await write(hosted, 50);
        const name = nextCheckpoint(hosted);
        device.failNext("read", name);
        await assert.rejects(hosted.store.checkpoint(), fails("CHECKPOINT_DAMAGED"));
        assert.deepEqual(await hosted.env.disk.list("store"), []);
        await hosted.store.checkpoint();
        assert.deepEqual(
          (await listCheckpoints(hosted.env.disk, "store")).map((file) => file.name),
          [name],
        );
      })(),
    ));

  storeTest("under way when the Store closes are given up without a trace", {}, async (hosted) => {
    await write(hosted, 50);
    const refused = assert.rejects(hosted.store.checkpoint());
    await hosted.reopen();
    await refused;
    assert.deepEqual(await hosted.env.disk.list("store"), []);
    await write(hosted, 1);
  });

  test("are preceded by flushes of the index, so that a restart replays little", () =>
    scheduler.settle(
      (async () => {
        const env = calmEnv(scheduler);
        const flushes = { count: 0 };
        const indexes = countingFlushes(env.indexes, flushes);
        await using hosted = await HostedStore.start({ ...env, indexes }, { ...SMALL, store: { flushBytes: 2000 } });
        await write(hosted, 100);
        assert.ok(flushes.count >= 5 && flushes.count <= 10, `${flushes.count} flushes`);
      })(),
    ));
});

function countingFlushes(indexes: Indexes, flushes: { count: number }): Indexes {
  return {
    remove: (name) => indexes.remove(name),
    async open(name) {
      const index = await indexes.open(name);
      const flush = (): Promise<void> => {
        flushes.count++;
        return index.flush();
      };
      return new Proxy(index, {
        get: (target, property) => (property === "flush" ? flush : bound(target, property as keyof Index)),
      });
    },
  };
}

function bound(index: Index, property: keyof Index): unknown {
  const value: unknown = index[property];
  return typeof value === "function" ? value.bind(index) : value;
}

function endsLease(command: Uint8Array): boolean {
  return ["end", "expire"].includes(decodeCommand(command).kind);
}

describe("leases", () => {
  storeTest("are limited in number", { store: { leasesMax: 2 } }, async ({ store }) => {
    const grants = await Promise.allSettled([1, 2, 3].map(() => store.grant(1000)));
    assert.deepEqual(
      grants.map(({ status }) => status),
      ["fulfilled", "fulfilled", "rejected"],
    );
    await assert.rejects(store.grant(1000), fails("OVERLOADED"));
    const [first] = grants;
    if (first!.status === "fulfilled") await store.revoke(first!.value.id);
    await store.grant(1000);
    assert.equal(store.counters.leases, 2);
  });

  let group: StoreGroup | undefined;
  const captured = { wrapGroup: (opened: StoreGroup) => (group = opened) };
  storeTest("whose end a restart broke off end after it", captured, async (hosted) => {
    const { id } = await hosted.store.grant(60_000);
    for (let from = 0; from < 600; from += 100) {
      const puts = Array.from({ length: 100 }, (_, number) => put(`row ${from + number}`));
      await hosted.store.commit({ puts, lease: id });
    }
    assert.deepEqual(await group!.propose(end(id)), { kind: "ended", done: false });
    await assert.rejects(hosted.store.keepAlive(id), fails("LEASE_UNKNOWN"));
    await hosted.reopen();
    await hosted.elapse(1000);
    assert.equal((await hosted.store.scan(TABLE, {}, { limit: 1 })).rows.length, 0);
    await assert.rejects(hosted.store.revoke(id), fails("LEASE_UNKNOWN"));
  });

  let refusals = 0;
  const refusing = through((command, opened) =>
    endsLease(command) && refusals-- > 0 ? Promise.reject(hostFailure("OVERLOADED")) : opened.propose(command),
  );
  storeTest("that are over end, however often that is refused", { wrapGroup: refusing }, async (hosted) => {
    refusals = 5;
    const { id } = await hosted.store.grant(1000);
    await hosted.store.commit({ puts: [put("a")], lease: id });
    await hosted.elapse(1600);
    assert.ok((await hosted.store.get(at("a"))).row);
    await assert.rejects(hosted.store.keepAlive(id), fails("LEASE_UNKNOWN"));
    await hosted.elapse(6 * REPLICATED_DEFAULTS.leaseRetryMillis);
    assert.equal((await hosted.store.get(at("a"))).row, undefined);
    assert.equal(hosted.store.counters.leasesExpired, 1);
  });

  let endings = 0;
  const refusingSome = through((command, opened) =>
    endsLease(command) && [2, 3].includes(++endings)
      ? Promise.reject(hostFailure("OVERLOADED"))
      : opened.propose(command),
  );
  storeTest("whose revocation broke off half way end all the same", { wrapGroup: refusingSome }, async (hosted) => {
    const { id } = await hosted.store.grant(60_000);
    for (let from = 0; from < 300; from += 100) {
      const puts = Array.from({ length: 100 }, (_, number) => put(`row ${from + number}`));
      await hosted.store.commit({ puts, lease: id });
    }
    await assert.rejects(hosted.store.revoke(id), fails("OVERLOADED"));
    assert.ok((await hosted.store.scan(TABLE, {}, { limit: 1000 })).rows.length > 0);
    await hosted.elapse(4 * REPLICATED_DEFAULTS.leaseRetryMillis);
    assert.equal((await hosted.store.scan(TABLE, {}, { limit: 1000 })).rows.length, 0);
  });

  const ends = { now: 0, most: 0 };
  const counting = through(async (command, opened) => {
    if (!endsLease(command)) return opened.propose(command);
    ends.most = Math.max(ends.most, ++ends.now);
    const result = await opened.propose(command);
    ends.now--;
    return result;
  });
  storeTest("that are over in a crowd end a bounded number at a time", { wrapGroup: counting }, async (hosted) => {
    const granted = await Promise.all(Array.from({ length: 300 }, () => hosted.store.grant(1000)));
    assert.equal(granted.length, 300);
    await hosted.elapse(3000);
    assert.deepEqual([hosted.store.counters.leasesExpired, hosted.store.counters.leases], [300, 0]);
    assert.equal(ends.most, 64);
  });
});

describe("reads", () => {
  const slowly = { store: { turnRowsMax: 10 } };

  async function fill({ store }: HostedStore): Promise<void> {
    for (let from = 0; from < 500; from += 100) {
      await store.commit({ puts: Array.from({ length: 100 }, (_, number) => put(`row ${from + number}`)) });
    }
  }

  storeTest("of many rows let other work in, and still are of one state", slowly, async (hosted) => {
    await fill(hosted);
    const order: string[] = [];
    const scan = hosted.store.scan(TABLE, {}, { limit: 1000 }).then((page) => {
      order.push("scan");
      return page;
    });
    const deletes = Array.from({ length: 100 }, (_, number) => at(`row ${number + 300}`));
    await hosted.store.commit({ deletes }).then(() => order.push("commit"));
    assert.equal((await scan).rows.length, 500);
    assert.deepEqual(order, ["commit", "scan"]);
    assert.equal((await hosted.store.scan(TABLE, {}, { limit: 1000 })).rows.length, 400);
  });

  storeTest("of many rows may be any number at once", slowly, async (hosted) => {
    await fill(hosted);
    const scans = Array.from({ length: 300 }, () => hosted.store.scan(TABLE, {}, { limit: 100 }));
    for (const page of await Promise.all(scans)) assert.equal(page.rows.length, 100);
  });

  const few = { store: { turnRowsMax: 10, scansMax: 2, scansWaitingMax: 3 } };
  storeTest("that wait for others are limited in number, and end as those do", few, async (hosted) => {
    await fill(hosted);
    const controller = new AbortController();
    const { signal } = controller;
    const scan = (): Promise<unknown> => hosted.store.scan(TABLE, {}, { limit: 100, signal });
    const scans = Promise.allSettled(Array.from({ length: 6 }, scan));
    await assert.rejects(scan(), fails("OVERLOADED"));
    assert.deepEqual(
      (await scans).map(({ status }) => status),
      [...Array(5).fill("fulfilled"), "rejected"],
    );
    const second = Promise.allSettled(Array.from({ length: 5 }, scan));
    controller.abort();
    assert.ok((await second).every(({ status }) => status === "rejected"));
    assert.equal((await hosted.store.scan(TABLE, {}, { limit: 100 })).rows.length, 100);
  });

  storeTest("of large rows let other work in too", { store: { turnBytesMax: 1000 } }, async ({ store }) => {
    for (let number = 0; number < 10; number++) await store.commit({ puts: [put(`row ${number}`, "x".repeat(2000))] });
    const events = scheduler.eventsRun;
    await store.scan(TABLE, {}, { limit: 1000 });
    assert.ok(scheduler.eventsRun - events >= 9);
  });

  storeTest("of many rows end when their caller goes or the Store closes", slowly, async (hosted) => {
    await fill(hosted);
    const reason = new Error("gone");
    const controller = new AbortController();
    const aborted = hosted.store.scan(TABLE, {}, { limit: 1000, signal: controller.signal });
    const open = hosted.store.scan(TABLE, {}, { limit: 1000 });
    await hosted.elapse(0);
    controller.abort(reason);
    await assert.rejects(aborted, (error) => error === reason);
    const stopped = assert.rejects(open, fails("STOPPED"));
    await hosted.close();
    await stopped;
  });

  storeTest("at a position of the future are refused", {}, async ({ store }) => {
    const { position } = await store.commit({ puts: [put("a")] });
    assert.equal(position, "p1-1.1");
    const level = { atLeast: "p1-1.2" };
    await assert.rejects(store.get(at("a"), { level }), fails("POSITION_INVALID"));
    await assert.rejects(store.get(at("a"), { level: { atLeast: "p1-2.1" } }), fails("POSITION_INVALID"));
    await store.commit({ puts: [put("a")] });
    await store.get(at("a"), { level });
  });
});

test("a Store may be closed twice, and closes while commits are on their way", () =>
  scheduler.settle(
    (async () => {
      const hosted = await HostedStore.start(calmEnv(scheduler), SMALL);
      const { store } = hosted;
      const results = [1, 2, 3].map((number) => store.commit({ puts: [{ ...at(`row ${number}`), value: utf8("v") }] }));
      await Promise.all([store[Symbol.asyncDispose](), store[Symbol.asyncDispose]()]);
      for (const result of results) assert.equal((await result).committed, true);
      await hosted.close();
    })(),
  ));
