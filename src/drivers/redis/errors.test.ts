import { deepEqual } from "node:assert/strict";
import { test } from "node:test";
import { answeredFailure } from "./errors.ts";

test("what Redis answers is known by its first word", () => {
  const words = ["NOAUTH", "WRONGPASS", "NOPERM", "OOM", "READONLY", "LOADING", "MISCONF", "BUSY", "WRONGTYPE", "ERR"];
  deepEqual(
    words.map((word) => answeredFailure(new Error(`${word} something`)).code),
    [
      ...["DENIED", "DENIED", "DENIED", "OVERLOADED"],
      ...["UNAVAILABLE", "UNAVAILABLE", "UNAVAILABLE", "UNAVAILABLE"],
      ...["ANSWER_INVALID", "ANSWER_INVALID"],
    ],
  );
});
