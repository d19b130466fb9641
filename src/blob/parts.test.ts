import { deepEqual, equal, notEqual, ok, rejects, throws } from "node:assert/strict";
import { describe, test } from "node:test";
import type { Clock, Disk, Timers } from "../env/index.ts";
import { SimMachine } from "../env/sim/index.ts";
import { hasCode } from "../std/errors.ts";
import { sourceOf } from "../std/source.ts";
import { Budget } from "./budget.ts";
import { BufferPool } from "./buffer-pool.ts";
import { type BlobEvent, zeroCounters } from "./events.ts";
import { Health } from "./health.ts";
import { InFlight } from "./in-flight.ts";
import { blobOptions } from "./options.ts";
import { Pacer } from "./pacer.ts";
import { Sleeper } from "./sleeper.ts";
import { SourceCursor } from "./source-cursor.ts";
import { SpaceKeeper } from "./space-keeper.ts";
import { Tasks } from "./tasks.ts";

describe("the memory budget of appends", () => {
  test("admits in order and refuses what would wait too long a queue", async () => {
    const budget = new Budget(100, 2);
    equal(budget.take(60), undefined);
    const order: string[] = [];
    const large = budget.take(60)!.then(() => order.push("large"));
    const small = budget.take(10)!.then(() => order.push("small"));
    throws(
      () => budget.take(1),
      (error) => hasCode(error, "BLOBS_OVERLOADED"),
    );
    deepEqual([budget.used, budget.waiting], [60, 2]);
    budget.give(60);
    await Promise.all([large, small]);
    deepEqual(order, ["large", "small"]);
    equal(budget.used, 70);
  });

  test("lets a request through that is larger than all of it, alone", async () => {
    const budget = new Budget(100, 5);
    equal(budget.take(500), undefined);
    const next = budget.take(1)!;
    equal(budget.waiting, 1);
    budget.give(500);
    await next;
  });

  test("refuses those that wait when it is closed", async () => {
    const budget = new Budget(10, 5);
    budget.take(10);
    const waiting = budget.take(1)!;
    budget.close();
    await rejects(waiting, (error) => hasCode(error, "BLOBS_CLOSED"));
    throws(
      () => budget.take(1),
      (error) => hasCode(error, "BLOBS_CLOSED"),
    );
  });
});

describe("the buffer pool", () => {
  test("hands a buffer out again and keeps no more than its limit", () => {
    const pool = new BufferPool(16_384);
    const first = pool.take(5000);
    equal(first.length, 8192);
    pool.give(first);
    equal(pool.take(8000), first);
    notEqual(pool.take(8000), first);
    for (const buffer of [first, new Uint8Array(8192), new Uint8Array(8192)]) pool.give(buffer);
    equal(pool.idleBytes, 16_384);
  });
});

describe("needles in flight", () => {
  test("are counted once each and forgotten when they are done", () => {
    const inFlight = new InFlight();
    const name = { volume: 1, needle: 2 };
    inFlight.add(name);
    inFlight.add(name);
    deepEqual([inFlight.size, inFlight.has(name), inFlight.has({ volume: 2, needle: 1 })], [1, true, false]);
    inFlight.remove(name);
    inFlight.remove(name);
    deepEqual([inFlight.size, inFlight.has(name)], [0, false]);
  });
});

describe("a source cursor", () => {
  test("fills memory of any cut and knows the end", async () => {
    const cursor = new SourceCursor(sourceOf(Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5)));
    const target = new Uint8Array(4);
    equal(await cursor.fill(target), 4);
    deepEqual(target, Uint8Array.of(1, 2, 3, 4));
    equal(await cursor.ended(), false);
    equal(await cursor.fill(target), 1);
    equal(await cursor.ended(), true);
  });
});

describe("the space keeper", () => {
  const space = (bytesFree: () => number): { keeper: SpaceKeeper; events: BlobEvent[]; looks: () => number } => {
    let looks = 0;
    const disk = {
      async space() {
        looks++;
        return { bytesFree: bytesFree(), bytesTotal: 10_000 };
      },
    } as unknown as Disk;
    let millis = 0;
    const clock: Clock = { now: () => 0, monotonic: () => (millis += 1000) };
    const events: BlobEvent[] = [];
    const options = blobOptions({ spaceReserveBytes: 1000, spaceReservePercent: 20, extentBytes: 65_536 });
    const keeper = new SpaceKeeper(disk, clock, options, zeroCounters(), (event) => events.push(event));
    return { keeper, events, looks: () => looks };
  };

  test("leaves the larger reserve alone and half of it to compaction", async () => {
    const { keeper } = space(() => 3000);
    await keeper.poll();
    equal(keeper.bytesReserved, 2000);
    await keeper.take(1000);
    await rejects(keeper.take(1), (error) => hasCode(error, "SPACE_RESERVED"));
    await keeper.take(1000, "compaction");
    await rejects(keeper.take(1, "compaction"), (error) => hasCode(error, "SPACE_RESERVED"));
  });

  test("counts what was written until the disk is asked again, so that no burst gets past the reserve", async () => {
    let bytesFree = 3000;
    const { keeper, looks } = space(() => bytesFree);
    await keeper.poll();
    for (let at = 0; at < 10; at++) {
      await keeper.take(100);
      keeper.settle(100);
    }
    equal(keeper.bytesFree, 2000);
    bytesFree = 2000;
    await rejects(keeper.take(100), (error) => hasCode(error, "SPACE_RESERVED"));
    // Something was removed meanwhile, and a refusal asks.
    bytesFree = 2500;
    const before = looks();
    await keeper.take(500);
    equal(looks(), before + 1);
  });

  test("tells once that space is low", async () => {
    let bytesFree = 5000;
    const { keeper, events } = space(() => bytesFree);
    await keeper.poll();
    await keeper.poll();
    equal(events.length, 1);
    bytesFree = 500_000;
    await keeper.poll();
    bytesFree = 5000;
    await keeper.poll();
    equal(events.length, 2);
  });
});

describe("health", () => {
  test("fails once, for good, and says so once", () => {
    const fatal: Error[] = [];
    const health = new Health((error) => fatal.push(error));
    health.check();
    const error = health.fail(new Error("first"));
    equal(health.fail(new Error("second")), error);
    equal(fatal.length, 1);
    throws(
      () => health.checkWritable(),
      (thrown) => hasCode(thrown, "BLOBS_FAILED"),
    );
    ok(health.stopping);
  });

  test("takes nothing new once it closes, but lets what runs end", () => {
    const health = new Health(() => {});
    health.close();
    throws(
      () => health.check(),
      (error) => hasCode(error, "BLOBS_CLOSED"),
    );
    health.checkWritable();
  });
});

describe("background work", () => {
  const machine = (): { scheduler: SimMachine["scheduler"]; timers: Timers; clock: Clock } => {
    const { scheduler, env } = new SimMachine({ seed: 1 });
    return { scheduler, timers: env.timers, clock: env.clock };
  };

  test("runs each task in turns that never overlap, and goes on after a failure", async () => {
    const { scheduler, timers } = machine();
    const errors: string[] = [];
    const tasks = new Tasks(timers, (task, error) => errors.push(`${task}: ${error.message}`));
    let running = 0;
    let turns = 0;
    const run = async (): Promise<void> => {
      equal(++running, 1);
      await new Promise<void>((resolve) => timers.after(25, resolve));
      running--;
      if (++turns === 2) throw new Error("trouble");
    };
    tasks.start({ name: "slow", intervalMillis: 10, run });
    await scheduler.run(100);
    deepEqual(errors, ["slow: trouble"]);
    equal(turns, 2);
    await scheduler.settle(Promise.all([tasks.turnAll(), tasks.turnAll()]));
    equal(turns, 5);
    await scheduler.settle(tasks.close());
    await scheduler.run();
    equal(turns, 5);
  });

  test("keeps to its rate, and stops waiting when the node stops", async () => {
    const { scheduler, timers, clock } = machine();
    const sleeper = new Sleeper(timers);
    const pacer = new Pacer(clock, sleeper, 1000);
    await scheduler.settle(pacer.pace(500));
    equal(clock.monotonic(), 0);
    await scheduler.settle(pacer.pace(2000));
    equal(clock.monotonic(), 500);
    const paced = pacer.pace(1);
    sleeper.wakeAll();
    await scheduler.settle(paced);
    equal(clock.monotonic(), 500);
    await scheduler.run();
  });
});
