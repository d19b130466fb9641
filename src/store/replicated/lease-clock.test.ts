import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SimClock, SimProcess, SimScheduler, SimTimers } from "../../env/sim/index.ts";
import { LeaseClock } from "./lease-clock.ts";

/** How late a lease may end. */
const SLACK_MILLIS = 600;

function newClock() {
  const scheduler = new SimScheduler();
  const process = new SimProcess(scheduler, "node");
  const simClock = new SimClock(scheduler);
  const ended = new Map<number, number>();
  const clock = new LeaseClock({
    clock: simClock,
    timers: new SimTimers(process, simClock),
    expire: (lease) => ended.set(lease, scheduler.nowMillis),
  });
  return { scheduler, process, clock, ended };
}

describe("the clock of leases", () => {
  test("ends leases after their time and little later, never before", async () => {
    const { scheduler, clock, ended } = newClock();
    const due = new Map<number, number>();
    for (let lease = 1; lease <= 200; lease++) {
      await scheduler.run(scheduler.nowMillis + ((lease * 37) % 90));
      const ttlMillis = 1000 + ((lease * 7919) % 5000);
      clock.start(lease, ttlMillis);
      due.set(lease, scheduler.nowMillis + ttlMillis);
    }
    await scheduler.run();
    assert.equal(ended.size, 200);
    assert.equal(clock.size, 0);
    for (const [lease, time] of ended) {
      const late = time - due.get(lease)!;
      assert.ok(late >= 0 && late <= SLACK_MILLIS, `lease ${lease} ended ${late} ms late`);
    }
  });

  test("gives a lease that is kept alive its full time again", async () => {
    const { scheduler, clock, ended } = newClock();
    clock.start(1, 1000);
    clock.start(2, 1000);
    for (let now = 0; now <= 5000; now += 500) {
      await scheduler.run(now);
      assert.equal(clock.keepAlive(1), true);
    }
    assert.deepEqual([...ended.keys()], [2]);
    assert.equal(clock.keepAlive(2), false);
    await scheduler.run();
    assert.ok(ended.get(1)! >= 6000 && ended.get(1)! <= 6000 + SLACK_MILLIS);
  });

  test("forgets a lease that is removed, and sleeps where there is none", async () => {
    const { scheduler, clock, ended } = newClock();
    for (let lease = 1; lease <= 1000; lease++) {
      clock.start(lease, 86_400_000);
      clock.remove(lease);
    }
    await scheduler.run(10_000);
    const events = scheduler.eventsRun;
    await scheduler.run(1_000_000);
    assert.equal(scheduler.eventsRun, events);
    clock.start(2000, 1000);
    await scheduler.run();
    assert.deepEqual([...ended.keys()], [2000]);
  });

  test("of a node that stood still first lets in the calls that waited meanwhile", async () => {
    const { scheduler, process, clock, ended } = newClock();
    clock.start(1, 1000);
    clock.start(2, 1000);
    process.pause(3000);
    process.after(500, "a call that arrives during the pause", () => clock.keepAlive(1));
    await scheduler.run(3500);
    assert.deepEqual([...ended.keys()], [2]);
    await scheduler.run();
    assert.ok(ended.get(1)! >= 4000);
  });

  test("does nothing more once it is closed", async () => {
    const { scheduler, clock, ended } = newClock();
    clock.start(1, 1000);
    await scheduler.run(900);
    clock.close();
    await scheduler.run();
    assert.equal(ended.size, 0);
  });
});
