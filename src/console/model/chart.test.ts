import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Sample } from "../api/shapes.ts";
import { addSample, capacitySegments, lineOf, roundTop, WINDOW_MILLIS } from "./chart.ts";

const START = Date.parse("2026-01-01T00:00:00.000Z");

function sampleAt(seconds: number, requestsPerSecond: number = seconds): Sample {
  const at = new Date(START + seconds * 1000).toISOString();
  const rates = { errorsPerSecond: 0, receivedBytesPerSecond: 0, sentBytesPerSecond: 0 };
  return { at, requestsPerSecond, ...rates, p50Millis: 0, p99Millis: 0, stallMillis: 0, freeBytes: 0 };
}

describe("samples", () => {
  test("the window of 15 minutes moves on, and a sample that is known is not added again", () => {
    let samples: readonly Sample[] = [];
    for (let seconds = 0; seconds <= 2000; seconds += 5) samples = addSample(samples, sampleAt(seconds));
    assert.equal(samples.length, WINDOW_MILLIS / 5000 + 1);
    assert.equal(addSample(samples, sampleAt(2000)), samples);
    assert.equal(addSample(samples, sampleAt(1990)), samples);
  });

  test("their number is limited, however fast they come", () => {
    let samples: readonly Sample[] = [];
    for (let at = 0; at < 1000; at++) samples = addSample(samples, sampleAt(at / 100));
    assert.equal(samples.length, 400);
    assert.equal(samples.at(-1)?.requestsPerSecond, 9.99);
  });
});

describe("a line", () => {
  const box = { width: 900, height: 10 };

  test("ends at the right edge, has its highest value at the top and zero at the bottom", () => {
    const line = lineOf([sampleAt(0, 0), sampleAt(5, 10), sampleAt(10, 5)], (each) => each.requestsPerSecond, box, 10);
    assert.deepEqual(line, { path: "M890 10L895 0L900 5", last: 5, lowest: 0, highest: 10 });
  });

  test("breaks where nothing was measured", () => {
    const samples = [0, 5, 10, 600, 605].map((seconds) => sampleAt(seconds, 0));
    assert.equal(lineOf(samples, () => 0, box, 1)?.path.match(/M/g)?.length, 2);
  });

  test("of nothing is none, of one sample a point", () => {
    assert.equal(
      lineOf([], () => 0, box, 1),
      undefined,
    );
    assert.equal(lineOf([sampleAt(0)], () => 1, box, 1)?.path, "M900 0");
  });

  test("has a round scale", () => {
    assert.deepEqual(
      [0, 0.03, 1, 1.1, 30, 51, 100].map((value) => roundTop(value)),
      [1, 0.05, 1, 2, 50, 100, 100],
    );
    assert.deepEqual(
      [0, 0.3, 1, 3, 500_000, 1_048_577].map((value) => roundTop(value, true)),
      [1, 1, 1, 4, 524_288, 2_097_152],
    );
  });
});

describe("the disk", () => {
  const shares = (capacity: Parameters<typeof capacitySegments>[0]) =>
    capacitySegments(capacity).map(({ kind, bytes }) => [kind, bytes]);

  test("is cut into pieces that add up to it", () => {
    const capacity = { totalBytes: 100, freeBytes: 60, reserveBytes: 10, volumeBytes: 25, garbageBytes: 0 };
    const segments = capacitySegments(capacity);
    assert.deepEqual(shares(capacity), [
      ["volumes", 25],
      ["other", 15],
      ["free", 50],
      ["reserve", 10],
    ]);
    assert.deepEqual(
      segments.map(({ start }) => Math.round(start * 100)),
      [0, 25, 40, 90],
    );
  });

  test("never has a piece below zero: not when full, when volumes are sparse, or when nothing is known", () => {
    const cases = [
      { totalBytes: 100, freeBytes: 5, reserveBytes: 10, volumeBytes: 200, garbageBytes: 0 },
      { totalBytes: 100, freeBytes: 0, reserveBytes: 10, volumeBytes: 0, garbageBytes: 0 },
      { totalBytes: 0, freeBytes: 0, reserveBytes: 10, volumeBytes: 0, garbageBytes: 0 },
      { totalBytes: 100, freeBytes: 150, reserveBytes: 0, volumeBytes: 0, garbageBytes: 0 },
    ];
    for (const capacity of cases) {
      const segments = capacitySegments(capacity);
      assert.ok(segments.every(({ bytes, share }) => bytes >= 0 && share >= 0 && share <= 1));
      assert.equal(
        segments.reduce((sum, { bytes }) => sum + bytes, 0),
        capacity.totalBytes,
      );
    }
  });
});
