import assert from "node:assert/strict";
import { test } from "node:test";
import { hasCode } from "../../std/errors.ts";
import { type ByteSource, sourceOf } from "../../std/source.ts";
import { MeteredBody } from "./metered-body.ts";

const PACE = { graceMillis: 1000, bytesPerSecondMin: 100 };

class FakeClock {
  millis = 0;
  now(): number {
    return this.millis;
  }
  monotonic(): number {
    return this.millis;
  }
}

/** Gives one chunk of that length after each of the delays. */
function slowSource(clock: FakeClock, chunks: readonly { afterMillis: number; bytes: number }[]) {
  let at = 0;
  const state = { cancelled: false };
  const source: ByteSource = {
    async read() {
      const chunk = chunks[at++];
      if (chunk === undefined) return null;
      clock.millis += chunk.afterMillis;
      return new Uint8Array(chunk.bytes);
    },
    cancel() {
      state.cancelled = true;
    },
  };
  return { source, state };
}

test("bytes are counted and the end is noted", async () => {
  const body = new MeteredBody(sourceOf(new Uint8Array(3), new Uint8Array(4)), new FakeClock(), PACE);
  assert.equal((await body.read())?.length, 3);
  assert.equal(body.ended, false);
  await body.read();
  assert.equal(await body.read(), null);
  assert.equal(body.bytesRead, 7);
  assert.equal(body.ended, true);
});

test("a client that trickles beyond the grace is ended with BODY_TOO_SLOW, and its source is cancelled", async () => {
  const clock = new FakeClock();
  const { source, state } = slowSource(clock, [
    { afterMillis: 900, bytes: 1 },
    { afterMillis: 900, bytes: 1 },
    { afterMillis: 900, bytes: 1 },
  ]);
  const body = new MeteredBody(source, clock, PACE);
  await body.read();
  await assert.rejects(body.read(), (error) => hasCode(error, "BODY_TOO_SLOW"));
  assert.equal(state.cancelled, true);
  assert(hasCode(body.failure, "BODY_TOO_SLOW"));
});

test("a slow client that keeps the average rate goes on for as long as it takes", async () => {
  const clock = new FakeClock();
  const chunks = Array.from({ length: 50 }, () => ({ afterMillis: 900, bytes: 100 }));
  const body = new MeteredBody(slowSource(clock, chunks).source, clock, PACE);
  while ((await body.read()) !== null);
  assert.equal(body.bytesRead, 5000);
});

test("time that the server takes between two reads does not count against the client", async () => {
  const clock = new FakeClock();
  const body = new MeteredBody(
    slowSource(clock, [
      { afterMillis: 1, bytes: 1 },
      { afterMillis: 1, bytes: 1 },
    ]).source,
    clock,
    PACE,
  );
  await body.read();
  clock.millis += 1_000_000;
  assert.equal((await body.read())?.length, 1);
});

test("the first failure of the source is kept", async () => {
  const failure = new Error("gone");
  const body = new MeteredBody({ read: () => Promise.reject(failure), cancel() {} }, new FakeClock(), PACE);
  await assert.rejects(body.read(), failure);
  assert.equal(body.failure, failure);
});
