import assert from "node:assert/strict";
import { test } from "node:test";
import { failureOf } from "./errors.ts";

function answered(code: string): Error {
  return Object.assign(new Error("refused"), { code, severity: "ERROR" });
}

test("a statement's failure is known by the class of its SQLSTATE", () => {
  const codes = ["57P01", "08006", "40001", "25006", "53100", "28P01", "3D000", "42501", "42P01"].map(
    (state) => [state, failureOf(answered(state)).code] as const,
  );
  assert.deepEqual(Object.fromEntries(codes), {
    "57P01": "UNAVAILABLE",
    "08006": "UNAVAILABLE",
    "40001": "UNAVAILABLE",
    "25006": "UNAVAILABLE",
    "53100": "OVERLOADED",
    "28P01": "DENIED",
    "3D000": "DENIED",
    "42501": "DENIED",
    "42P01": "ANSWER_INVALID",
  });
});

test("a connection's failure has no SQLSTATE, though it may have a code of five letters", () => {
  for (const code of ["EPIPE", "ECONNRESET", undefined]) {
    assert.equal(failureOf(Object.assign(new Error("broken"), { code })).code, "UNAVAILABLE");
  }
});
