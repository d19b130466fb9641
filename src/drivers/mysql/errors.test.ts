import assert from "node:assert/strict";
import { test } from "node:test";
import { failureOf } from "./errors.ts";

function answered(errno: number): Error {
  return Object.assign(new Error("refused"), { errno, sqlState: "HY000" });
}

test("a statement's failure is known by the server's number of it", () => {
  const codes = [1040, 1045, 1049, 1142, 1146, 1205, 1213, 1264, 1290, 1690, 1927].map(
    (number) => [number, failureOf(answered(number)).code] as const,
  );
  assert.deepEqual(Object.fromEntries(codes), {
    1040: "OVERLOADED",
    1045: "DENIED",
    1049: "DENIED",
    1142: "DENIED",
    1146: "ANSWER_INVALID",
    1205: "UNAVAILABLE",
    1213: "UNAVAILABLE",
    1264: "OUT_OF_RANGE",
    1290: "UNAVAILABLE",
    1690: "OUT_OF_RANGE",
    1927: "UNAVAILABLE",
  });
});

test("a connection's failure has a number of the system's, or none", () => {
  for (const more of [{ errno: -111, code: "ECONNREFUSED" }, { code: "PROTOCOL_CONNECTION_LOST" }, {}])
    assert.equal(failureOf(Object.assign(new Error("broken"), more)).code, "UNAVAILABLE");
});
