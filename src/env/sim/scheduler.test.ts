import { deepEqual, equal, notEqual, rejects, throws } from "node:assert/strict";
import { describe, test } from "node:test";
import { Prng } from "../../std/prng.ts";
import { timeConformance } from "../conformance/time-suite.ts";
import { SimProcess } from "./process.ts";
import { SimScheduler } from "./scheduler.ts";
import { SimClock, SimTimers } from "./time.ts";

describe("simulated clock and timers", () => {
  timeConformance(test, async () => {
    const scheduler = new SimScheduler();
    const clock = new SimClock(scheduler);
    const timers = new SimTimers(new SimProcess(scheduler, "node"), clock);
    return { clock, timers, settle: (promise) => scheduler.settle(promise), async [Symbol.asyncDispose]() {} };
  });

  test("a clock that drifts counts faster or slower, and its timers with it", async () => {
    for (const driftPartsPerMillion of [100_000, -100_000]) {
      const scheduler = new SimScheduler();
      const clock = new SimClock(scheduler, { driftPartsPerMillion, epochMillis: 0 });
      const timers = new SimTimers(new SimProcess(scheduler, "node"), clock);
      let firedAt = 0;
      timers.after(1_000, () => {
        firedAt = scheduler.nowMillis;
      });
      await scheduler.run();
      equal(Math.round(clock.monotonic()), 1_000);
      equal(firedAt < 1_000, driftPartsPerMillion > 0);
    }
  });

  test("a jump moves the wall clock and not the monotonic one", () => {
    const clock = new SimClock(new SimScheduler(), { epochMillis: 10_000 });
    clock.jump(-3_000);
    equal(clock.now(), 7_000);
    equal(clock.monotonic(), 0);
  });
});

describe("SimScheduler", () => {
  test("runs events by time and then in the order they were planned, against a sorted list", async () => {
    const random = new Prng(5);
    const scheduler = new SimScheduler();
    const expected: { time: number; at: number }[] = [];
    const ran: number[] = [];
    for (let at = 0; at < 2_000; at++) {
      const time = random.below(50);
      const timer = scheduler.after(time, "event", () => ran.push(at));
      if (random.chance(0.2)) timer.cancel();
      else expected.push({ time, at });
    }
    await scheduler.run();
    expected.sort((left, right) => left.time - right.time || left.at - right.at);
    deepEqual(
      ran,
      expected.map(({ at }) => at),
    );
  });

  test("lets every promise settle before the next event", async () => {
    const scheduler = new SimScheduler();
    const order: string[] = [];
    const chain = async (name: string): Promise<void> => {
      for (let step = 0; step < 5; step++) {
        order.push(`${name}${step}`);
        await Promise.resolve();
      }
    };
    scheduler.after(1, "a", () => void chain("a"));
    scheduler.after(1, "b", () => void chain("b"));
    await scheduler.run();
    deepEqual(order, ["a0", "a1", "a2", "a3", "a4", "b0", "b1", "b2", "b3", "b4"]);
  });

  test("stops at the given moment and goes on from there", async () => {
    const scheduler = new SimScheduler();
    const ran: number[] = [];
    for (const time of [10, 20, 30]) scheduler.after(time, "event", () => ran.push(time));
    await scheduler.run(20);
    deepEqual(ran, [10, 20]);
    equal(scheduler.nowMillis, 20);
    await scheduler.run(25);
    equal(scheduler.nowMillis, 25);
    scheduler.after(1, "event", () => ran.push(26));
    await scheduler.run();
    deepEqual(ran, [10, 20, 26, 30]);
    equal(scheduler.eventsRun, 4);
    throws(() => scheduler.after(-1, "past", () => {}), { name: "AssertionError" });
  });

  test("settling fails where nothing more happens or the limit is over, and passes failures on", async () => {
    const scheduler = new SimScheduler();
    await rejects(scheduler.settle(new Promise(() => {})), { name: "AssertionError" });
    scheduler.after(100, "late", () => {});
    await rejects(scheduler.settle(new Promise(() => {}), 50), { name: "AssertionError" });
    await rejects(scheduler.settle(Promise.reject(new Error("its own"))), { message: "its own" });
    equal(await scheduler.settle(Promise.resolve(7)), 7);
  });

  test("has the same hash for the same events, another for another label, moment, order or fact", async () => {
    const hashOf = async (events: readonly (readonly [number, string])[], fact = ""): Promise<string> => {
      const scheduler = new SimScheduler();
      for (const [time, label] of events) scheduler.after(time, label, () => {});
      await scheduler.run();
      if (fact !== "") scheduler.trace(fact);
      return scheduler.traceHash;
    };
    const base = await hashOf([
      [1, "a"],
      [2, "b"],
    ]);
    equal(
      await hashOf([
        [1, "a"],
        [2, "b"],
      ]),
      base,
    );
    const others = [
      await hashOf([
        [1, "a"],
        [2, "c"],
      ]),
      await hashOf([
        [1, "a"],
        [2.5, "b"],
      ]),
      await hashOf([
        [1, "b"],
        [2, "a"],
      ]),
      await hashOf([
        [1, "ab"],
        [2, ""],
      ]),
      await hashOf([[1, "a"]]),
      await hashOf(
        [
          [1, "a"],
          [2, "b"],
        ],
        "fact",
      ),
    ];
    for (const other of others) notEqual(other, base);
    equal(new Set(others).size, others.length);
  });

  test("tells its observer each event", async () => {
    const seen: string[] = [];
    const scheduler = new SimScheduler((time, label) => seen.push(`${time} ${label}`));
    scheduler.after(3, "three", () => {});
    scheduler.after(1, "one", () => {});
    await scheduler.run();
    deepEqual(seen, ["1 one", "3 three"]);
  });
});

describe("SimProcess", () => {
  test("does nothing after its end, and everything late while it stands still", async () => {
    const scheduler = new SimScheduler();
    const process = new SimProcess(scheduler, "node");
    const ran: string[] = [];
    process.after(10, "ten", () => ran.push(`ten at ${scheduler.nowMillis}`));
    process.after(20, "twenty", () => ran.push(`twenty at ${scheduler.nowMillis}`));
    process.after(15, "cancelled while it waits", () => ran.push("cancelled")).cancel();
    process.pause(100);
    const waiting = process.after(30, "thirty", () => ran.push("thirty"));
    scheduler.after(50, "cancel", () => waiting.cancel());
    scheduler.after(150, "end", () => process.kill());
    process.after(200, "after the end", () => ran.push("after the end"));
    await scheduler.run();
    deepEqual(ran, ["ten at 100", "twenty at 100"]);
    equal(process.isAlive, false);
  });

  test("takes what came while it stood still in the order in which it came, however often it was stopped", async () => {
    const scheduler = new SimScheduler();
    const process = new SimProcess(scheduler, "node");
    const ran: string[] = [];
    const come = (what: string): void => process.receive(what, () => ran.push(`${what} at ${scheduler.nowMillis}`));
    process.pause(10.1);
    scheduler.after(1.7, "first", () => come("first"));
    scheduler.after(3.3, "stop", () => process.pause(20.2));
    scheduler.after(5.9, "second", () => come("second"));
    scheduler.after(12.3, "third", () => come("third"));
    scheduler.after(23.5, "fourth", () => come("fourth"));
    process.after(2.1, "timer", () => {
      ran.push("timer");
      process.after(0, "planned by it", () => ran.push("planned by it"));
    });
    await scheduler.run();
    deepEqual(ran, ["first at 23.5", "timer", "second at 23.5", "third at 23.5", "fourth at 23.5", "planned by it"]);
  });
});
