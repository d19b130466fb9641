import assert from "node:assert/strict";
import { test } from "node:test";
import { CALLERS, COMMANDS_EACH, commandOf, judge } from "./callers.ts";

const proposed = CALLERS * COMMANDS_EACH;
const whole = Array.from({ length: proposed }, (_, at) => commandOf(at % CALLERS, Math.floor(at / CALLERS)));

test("a log that has every command once, each caller's in order, is right", () => {
  assert.deepEqual(judge(whole), { proposed, survived: proposed, right: proposed });
});

test("a lost command neither survives nor is right", () => {
  assert.deepEqual(judge(whole.slice(1)), { proposed, survived: proposed - 1, right: proposed - 1 });
  assert.deepEqual(judge([]), { proposed, survived: 0, right: 0 });
});

test("a command applied twice is not right", () => {
  assert.deepEqual(judge([...whole, whole.at(-1)!]), { proposed, survived: proposed, right: proposed - 1 });
});

test("a command applied before an earlier one of its caller is not right", () => {
  const log = whole.filter((command) => command !== commandOf(3, 0));
  assert.deepEqual(judge([...log, commandOf(3, 0)]), {
    proposed,
    survived: proposed,
    right: proposed - (COMMANDS_EACH - 1),
  });
});
