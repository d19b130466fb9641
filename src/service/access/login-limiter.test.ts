import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type LoginAttempt, LoginLimiter, type LoginLimits } from "./login-limiter.ts";

const LIMITS: LoginLimits = {
  userFailuresFree: 2,
  addressFailuresFree: 4,
  delayMillisMin: 100,
  userDelayMillisMax: 1000,
  addressDelayMillisMax: 5000,
  forgetMillis: 60_000,
  entriesMax: 3,
};

function attempt(user: string | undefined, address: string, nowMillis: number): LoginAttempt {
  return { user, address, nowMillis };
}

/** The delays after each of so many failures at one time, from ever new addresses. */
function delaysOfUser(limiter: LoginLimiter, user: string, failures: number, nowMillis = 0): number[] {
  return Array.from({ length: failures }, (_, at) => {
    limiter.failed(attempt(user, `192.0.2.${at}`, nowMillis));
    return limiter.delayMillis(attempt(user, "198.51.100.1", nowMillis));
  });
}

describe("waits", () => {
  test("a few failures are free, then the wait doubles up to its bound", () => {
    const limiter = new LoginLimiter(LIMITS);
    assert.deepEqual(delaysOfUser(limiter, "a", 8), [0, 0, 100, 200, 400, 800, 1000, 1000]);
    assert.equal(limiter.delayMillis(attempt("b", "198.51.100.1", 0)), 0);
  });

  test("an address waits for whatever name, and longer than a user can be made to", () => {
    const limiter = new LoginLimiter(LIMITS);
    const delays = Array.from({ length: 12 }, (_, at) => {
      limiter.failed(attempt(`user${at}`, "192.0.2.1", 0));
      return limiter.delayMillis(attempt(undefined, "192.0.2.1", 0));
    });
    assert.deepEqual(delays, [0, 0, 0, 0, 100, 200, 400, 800, 1600, 3200, 5000, 5000]);
    assert.equal(limiter.delayMillis(attempt(undefined, "192.0.2.2", 0)), 0);
  });

  test("a wait passes with time, and the count stays", () => {
    const limiter = new LoginLimiter(LIMITS);
    delaysOfUser(limiter, "a", 4);
    assert.equal(limiter.delayMillis(attempt("a", "x", 150)), 50);
    assert.equal(limiter.delayMillis(attempt("a", "x", 200)), 0);
    limiter.failed(attempt("a", "x", 200));
    assert.equal(limiter.delayMillis(attempt("a", "x", 200)), 400);
  });

  test("a count is forgotten some time after its last failure", () => {
    const limiter = new LoginLimiter(LIMITS);
    delaysOfUser(limiter, "a", 5);
    assert.deepEqual(delaysOfUser(limiter, "a", 3, 60_000), [0, 0, 100]);
  });

  test("success clears the user's count and leaves the address's", () => {
    const limiter = new LoginLimiter(LIMITS);
    for (let at = 0; at < 5; at++) limiter.failed(attempt("a", "192.0.2.1", 0));
    limiter.succeeded("a");
    assert.equal(limiter.delayMillis(attempt("a", "192.0.2.2", 0)), 0);
    assert.equal(limiter.delayMillis(attempt("a", "192.0.2.1", 0)), 100);
  });

  test("all addresses of one IPv6 network count as one", () => {
    const limiter = new LoginLimiter(LIMITS);
    for (let at = 0; at < 5; at++) limiter.failed(attempt(undefined, `2001:db8::${at}`, 0));
    assert.equal(limiter.delayMillis(attempt(undefined, "2001:db8::ffff", 0)), 100);
    assert.equal(limiter.delayMillis(attempt(undefined, "2001:db8:0:1::1", 0)), 0);
  });

  test("very many failures wait for the bound, not for ever or for nothing", () => {
    const limiter = new LoginLimiter(LIMITS);
    for (let at = 0; at < 3000; at++) limiter.failed(attempt("a", "192.0.2.1", 0));
    assert.equal(limiter.delayMillis(attempt("a", "x", 0)), 1000);
  });
});

describe("the table", () => {
  test("when it is full the one whose last failure is longest ago makes room", () => {
    const limiter = new LoginLimiter(LIMITS);
    for (const user of ["a", "b", "c"]) delaysOfUser(limiter, user, 3);
    limiter.failed(attempt("a", "x", 0));
    limiter.failed(attempt("d", "x", 0));
    const delay = (user: string): number => limiter.delayMillis(attempt(user, "y", 0));
    assert.deepEqual(["a", "b", "c", "d"].map(delay), [200, 0, 100, 0]);
  });

  test("names of nobody take no place in it", () => {
    const limiter = new LoginLimiter(LIMITS);
    delaysOfUser(limiter, "a", 3);
    for (let at = 0; at < 10; at++) limiter.failed(attempt(undefined, "x", 0));
    assert.equal(limiter.delayMillis(attempt("a", "y", 0)), 100);
  });
});
