import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AshlarError } from "../std/errors.ts";
import { HISTORY_LIMITS, HistoryReader, operationText, parseHistory } from "./history.ts";
import { historyOf } from "./testing/notation.ts";

const INVOKE = '{"process":0,"type":"invoke","f":"write","value":1,"time":5}';

describe("a history", () => {
  test("pairs each invocation with its completion, in the order of invocations", () => {
    const operations = historyOf(`
      0 invoke write@x 1
      1 invoke read@x
      0 ok
      1 ok 1`);
    assert.deepEqual(
      operations.map(({ id, process, key, outcome, start, end, line }) => [
        id,
        process,
        key,
        outcome,
        start,
        end,
        line,
      ]),
      [
        [0, 0, "x", "ok", 0, 2, 1],
        [1, 1, "x", "ok", 1, 3, 2],
      ],
    );
    assert.deepEqual(operations.map(operationText), ["process 0: write of x 1 -> ok", "process 1: read of x -> 1"]);
  });

  test("leaves open what ended in info and what did not end", () => {
    const operations = historyOf(`
      0 invoke write 1
      1 invoke write 2
      2 invoke write 3
      0 info
      2 fail`);
    assert.deepEqual(
      operations.map(({ outcome, end }) => [outcome, end]),
      [
        ["unknown", Number.POSITIVE_INFINITY],
        ["unknown", Number.POSITIVE_INFINITY],
        ["fail", 4],
      ],
    );
  });

  test("takes numbers as keys, lines without a time, empty lines and carriage returns", () => {
    const line = '{"process":0,"type":"invoke","f":"read","key":7}\r';
    const [operation] = parseHistory(`\n${line}\n\n{"process":0,"type":"ok","f":"read","value":null}\n`);
    assert.deepEqual([operation?.key, operation?.line, operation?.startNanos, operation?.output], ["7", 2, 0, null]);
    assert.deepEqual(parseHistory(""), []);
  });

  const faults: readonly (readonly [string, string, string, number])[] = [
    ["that is no JSON", "{", "HISTORY_MALFORMED", 1],
    ["that is no object", "[]", "HISTORY_MALFORMED", 1],
    ["without a process", '{"type":"invoke","f":"read"}', "HISTORY_MALFORMED", 1],
    ["with half a process", '{"process":0.5,"type":"invoke","f":"read"}', "HISTORY_MALFORMED", 1],
    ["of an unknown type", '{"process":0,"type":"done","f":"read"}', "HISTORY_MALFORMED", 1],
    ["without a function", '{"process":0,"type":"invoke"}', "HISTORY_MALFORMED", 1],
    ["with an object as its key", '{"process":0,"type":"invoke","f":"read","key":{}}', "HISTORY_MALFORMED", 1],
    ["with a text as its time", '{"process":0,"type":"invoke","f":"read","time":"1"}', "HISTORY_MALFORMED", 1],
    ["that completes nothing", '{"process":0,"type":"ok","f":"read"}', "HISTORY_UNPAIRED", 1],
    ["that invokes twice", `${INVOKE}\n${INVOKE}`, "HISTORY_UNPAIRED", 2],
    ["that completes another function", `${INVOKE}\n{"process":0,"type":"ok","f":"read"}`, "HISTORY_UNPAIRED", 2],
    [
      "that completes with another key",
      `${INVOKE}\n{"process":0,"type":"ok","f":"write","key":"y"}`,
      "HISTORY_UNPAIRED",
      2,
    ],
    [
      "that goes on after an info",
      `${INVOKE}\n{"process":0,"type":"info","f":"write"}\n${INVOKE}`,
      "HISTORY_UNPAIRED",
      3,
    ],
    ["that is earlier", `${INVOKE}\n{"process":0,"type":"ok","f":"write","time":4}`, "HISTORY_DISORDERED", 2],
  ];
  for (const [name, text, code, line] of faults) {
    test(`refuses a line ${name}, and names it`, () => {
      assert.throws(
        () => parseHistory(text),
        (error) => error instanceof AshlarError && error.code === code && error.data["line"] === line,
      );
    });
  }

  test("refuses a line that is longer than its limit", () => {
    const reader = new HistoryReader();
    assert.throws(
      () => reader.add(`{"process":0,"value":"${"x".repeat(HISTORY_LIMITS.lineLengthMax)}`),
      (error) => error instanceof AshlarError && error.code === "HISTORY_MALFORMED",
    );
  });
});

test("a line for people says ok where there is no answer, or where a recorder repeats what was given", () => {
  const lines = [
    { process: 0, type: "invoke", f: "acquire" },
    { process: 0, type: "ok", f: "acquire" },
    { process: 0, type: "invoke", f: "write", value: [1] },
    { process: 0, type: "ok", f: "write", value: [1] },
    { process: 0, type: "invoke", f: "dequeue" },
    { process: 0, type: "ok", f: "dequeue" },
  ];
  const operations = parseHistory(lines.map((line) => JSON.stringify(line)).join("\n"));
  const texts = ["process 0: acquire -> ok", "process 0: write [1] -> ok", "process 0: dequeue -> null"];
  assert.deepEqual(operations.map(operationText), texts);
});
