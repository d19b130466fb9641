import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { AccessRecord } from "../../http/index.ts";
import { ManualTime, NOW } from "../testing/manual-time.ts";
import { LatencyWindow } from "./latency-window.ts";
import { RequestStats } from "./request-stats.ts";
import { Sampler } from "./sampler.ts";
import { StallMeter } from "./stall-meter.ts";

const record = (fields: Partial<AccessRecord>): AccessRecord => ({
  ...{
    gateway: "s3",
    requestId: "",
    startedMillis: 0,
    durationMillis: 1,
    remoteAddress: "",
    method: "GET",
    target: "/",
  },
  ...{ userAgent: undefined, operation: "GetObject", principal: undefined, status: 200, errorCode: undefined },
  ...{ bytesReceived: 0, bytesSent: 0, complete: true },
  ...fields,
});

describe("the latency window", () => {
  test("is empty at first, and after it was cleared", () => {
    const window = new LatencyWindow();
    assert.equal(window.quantile(0.99), 0);
    window.add(5);
    window.clear();
    assert.deepEqual([window.total, window.quantile(0.5)], [0, 0]);
  });

  test("gives quantiles that are never too low and at most a fifth too high", () => {
    for (const count of [1, 2, 10, 1000]) {
      const window = new LatencyWindow();
      const durations = Array.from({ length: count }, (_, at) => 0.1 * 1.01 ** ((at * 7919) % count));
      for (const millis of durations) window.add(millis);
      durations.sort((left, right) => left - right);
      for (const share of [0, 0.5, 0.9, 0.99, 1]) {
        const exact = durations[Math.max(0, Math.ceil(count * share) - 1)]!;
        const found = window.quantile(share);
        assert.ok(found >= exact * 0.999999 && found <= exact * 1.2, `${share} of ${count}: ${found} for ${exact}`);
      }
    }
  });

  test("takes the shortest and the longest durations there are", () => {
    const window = new LatencyWindow();
    for (const millis of [0, 1e-9, 1e12, Number.MAX_VALUE]) window.add(millis);
    assert.equal(window.total, 4);
    assert.ok(window.quantile(0.25) <= 0.05);
    assert.ok(window.quantile(1) > 1e6);
  });
});

describe("request counts", () => {
  test("go by gateway, operation and status", () => {
    const durations: number[] = [];
    const stats = new RequestStats((_, seconds) => durations.push(seconds));
    for (const status of [200, 200, 404]) {
      stats.started();
      stats.finished(record({ status, bytesSent: 10 }));
    }
    stats.started();
    stats.finished(record({ gateway: "api", operation: undefined, status: 401 }));
    const seen = Array.from(stats.operations.values(), ({ gateway, operation, statuses, bytesSent }) => [
      gateway,
      operation,
      [...statuses],
      bytesSent,
    ]);
    assert.deepEqual(seen, [
      [
        "s3",
        "GetObject",
        [
          [200, 2],
          [404, 1],
        ],
        30,
      ],
      ["api", "none", [[401, 1]], 0],
    ]);
    assert.equal(stats.running, 0);
    assert.equal(durations.length, 4);
  });

  test("are taken once; a stream that lasts is no slow request", () => {
    const stats = new RequestStats(() => {});
    stats.finished(record({ status: 500, bytesReceived: 7, durationMillis: 3 }));
    stats.finished(record({ gateway: "api", operation: "watch", durationMillis: 600_000 }));
    const rates = stats.take();
    assert.deepEqual([rates.requests, rates.errors, rates.bytesReceived], [2, 1, 7]);
    assert.ok(rates.p99Millis < 4);
    assert.equal(stats.take().requests, 0);
  });
});

describe("the stall meter", () => {
  test("sees a turn that held up its timer, also one that lasts", async () => {
    const time = new ManualTime();
    using meter = new StallMeter(time, time);
    await time.advance(1000);
    assert.equal(meter.take(), 0);
    time.jump(350);
    assert.equal(meter.take(), 250, "the timer is still waiting");
    await time.advance(1);
    assert.equal(meter.take(), 250);
    assert.equal(meter.take(), 0);
    assert.equal(meter.totalMillis, 250);
  });

  test("leaves no timer behind", () => {
    const time = new ManualTime();
    new StallMeter(time, time)[Symbol.dispose]();
    assert.equal(time.timers, 0);
  });
});

describe("the sampler", () => {
  function begin(space: () => Promise<{ bytesFree: number }> = async () => ({ bytesFree: 42 })) {
    const time = new ManualTime();
    const stats = new RequestStats(() => {});
    const seen: number[] = [];
    const stalls = { take: () => 1.5 } as StallMeter;
    const onSample = ({ requestsPerSecond }: { requestsPerSecond: number }) => void seen.push(requestsPerSecond);
    return { time, stats, seen, sampler: new Sampler({ clock: time, timers: time, stats, stalls, space, onSample }) };
  }

  test("makes rates of counts every five seconds", async () => {
    const { time, stats, seen, sampler } = begin();
    using _ = sampler;
    assert.equal(sampler.latest.requestsPerSecond, 0);
    for (let at = 0; at < 20; at++) stats.finished(record({ bytesSent: 100 }));
    await time.advance(5000);
    assert.deepEqual(sampler.latest, {
      ...{
        atMillis: NOW + 5000,
        requestsPerSecond: 4,
        errorsPerSecond: 0,
        receivedBytesPerSecond: 0,
        sentBytesPerSecond: 400,
      },
      ...{ p50Millis: sampler.latest.p50Millis, p99Millis: sampler.latest.p99Millis, stallMillis: 1.5, bytesFree: 42 },
    });
    await time.advance(5000);
    assert.deepEqual(seen, [4, 0]);
  });

  test("keeps a quarter of an hour", async () => {
    const { time, sampler } = begin();
    using _ = sampler;
    await time.advance(200 * 5000);
    assert.equal(sampler.samples.length, 180);
    assert.equal(sampler.samples[0]!.atMillis, NOW + 21 * 5000);
  });

  test("goes on where the disk does not answer, and ends when it is told to", async () => {
    const { time, sampler } = begin(() => Promise.reject(new Error("disk")));
    await time.advance(10_000);
    assert.equal(sampler.samples.length, 2);
    sampler[Symbol.dispose]();
    await time.advance(60_000);
    assert.equal(sampler.samples.length, 2);
    assert.equal(time.timers, 0);
  });
});
