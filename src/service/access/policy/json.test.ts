import assert from "node:assert/strict";
import { test } from "node:test";
import { hasCode } from "../../../std/errors.ts";
import { type JsonValue, parseJson } from "./json.ts";

/** As JSON.parse would give it. */
function plain(value: JsonValue): unknown {
  if (value instanceof Map) return Object.fromEntries(Array.from(value, ([name, each]) => [name, plain(each)]));
  return Array.isArray(value) ? value.map(plain) : value;
}

function faultOf(document: string): string {
  try {
    parseJson(document, 8);
  } catch (error) {
    assert.ok(hasCode(error, "POLICY_MALFORMED"), String(error));
    return error.message;
  }
  assert.fail(`accepted: ${document}`);
}

test("what is JSON is read as JSON.parse reads it", () => {
  for (const document of [
    "null",
    " true ",
    "[]",
    "{}",
    '{"a":[1,-2.5e3,0,"x\\n\\u00e9\\ud83d\\ude00"],"b":{"c":false}}',
    "\t[ 1 ,\r\n 2 ]\n",
    '"\u007f\u2028"',
    '{"__proto__":1,"constructor":2}',
  ]) {
    assert.deepEqual(plain(parseJson(document, 8)), JSON.parse(document), document);
  }
});

test("what is not JSON is refused with its place", () => {
  assert.match(faultOf(""), /line 1, column 1/);
  assert.match(faultOf('{\n  "a": 1,\n}'), /line 3, column 1/);
  assert.match(faultOf("[1,]"), /line 1, column 4/);
  assert.match(faultOf("[1 2]"), /line 1, column 4/);
  for (const document of [
    "tru",
    "01",
    "1.",
    ".5",
    "+1",
    "[",
    "{",
    '{"a"}',
    "{a:1}",
    '"',
    '"\\x"',
    '"\\u12"',
    '"a\nb"',
    "1 2",
    "'a'",
  ]) {
    faultOf(document);
  }
});

test("a member that occurs twice is refused, where JSON.parse would keep the second", () => {
  assert.match(faultOf('{"a": 1, "b": 2, "a": 3}'), /line 1, column 18: the member "a" occurs twice/);
  assert.match(faultOf('{"\\u0061": 1, "a": 3}'), /occurs twice/);
});

test("half of a surrogate pair and too deep nesting are refused", () => {
  assert.match(faultOf('"\\ud83d"'), /surrogate/);
  assert.match(faultOf("[".repeat(20)), /deeper than 8/);
  parseJson(`${"[".repeat(8)}1${"]".repeat(8)}`, 8);
});
