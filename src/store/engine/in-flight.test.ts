import assert from "node:assert/strict";
import { test } from "node:test";
import { hasCode } from "../../std/errors.ts";
import { InFlight } from "./in-flight.ts";

test("so much runs, so much waits in its order, and what is more is refused", async () => {
  const inFlight = new InFlight({ runningMax: 1, waitingMax: 1 });
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const begun: string[] = [];
  const run = (name: string, until: Promise<void>): Promise<void> =>
    inFlight.run(() => {
      begun.push(name);
      return until;
    });
  const running = run("first", first.promise);
  const waiting = run("second", second.promise);
  await assert.rejects(run("third", Promise.resolve()), (error) => hasCode(error, "OVERLOADED"));
  assert.deepEqual(begun, ["first"]);
  first.resolve();
  await running;
  second.resolve();
  await waiting;
  assert.deepEqual(begun, ["first", "second"]);
});

test("idle is when all has ended, also what failed", async () => {
  const inFlight = new InFlight({ runningMax: 2, waitingMax: 2 });
  await inFlight.idle();
  const work = Promise.withResolvers<void>();
  const running = inFlight.run(() => work.promise);
  let isIdle = false;
  const idle = inFlight.idle().then(() => {
    isIdle = true;
  });
  await Promise.resolve();
  assert.equal(isIdle, false);
  work.reject(new RangeError("failed"));
  await assert.rejects(running, RangeError);
  await idle;
});
