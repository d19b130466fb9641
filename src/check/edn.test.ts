import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { checkHistory } from "./check-history.ts";
import { parseEdn } from "./edn.ts";
import { operationText, parseHistory } from "./history.ts";

describe("EDN", () => {
  test("is read as what JSON would say", () => {
    const cases: readonly (readonly [string, unknown])[] = [
      ["nil", null],
      [":read", "read"],
      ["-12N ; a comment", -12],
      ["1.5e3", 1500],
      ['"a \\"b\\" \\n, {"', 'a "b" \n, {'],
      ["[1, (2 #_ gone 3) #{4} true]", [1, [2, 3], [4], true]],
      ["{:f :cas, :value [0 1], 5 {}, #_ x}", { f: "cas", value: [0, 1], 5: {} }],
      ["#jepsen.history.Op{:index 0, :process :nemesis}", { index: 0, process: "nemesis" }],
      ["{:__proto__ 1}", Object.fromEntries([["__proto__", 1]])],
    ];
    for (const [text, value] of cases) assert.deepEqual(parseEdn(text), value, text);
  });

  test("that is cut off, open, doubled or too deep is a SyntaxError", () => {
    for (const text of ["", "{:a}", "[1", "]", '"open', "1 2", "#_", "#tag", '"\\x"', "[".repeat(5000)]) {
      assert.throws(() => parseEdn(text), SyntaxError, text.slice(0, 20));
    }
  });
});

describe("a history of Jepsen", () => {
  test("is read without its nemesis, and is checked like any other", () => {
    const operations = parseHistory(`
{:type :invoke, :f :write, :value 3, :process 0, :time 10, :index 0}
{:type :info, :f :start-partition, :value nil, :process :nemesis, :time 11, :index 1}
{:type :ok, :f :write, :value 3, :process 0, :time 12, :index 2}
#jepsen.history.Op{:type :invoke, :f :read, :value nil, :process 1, :time 13, :index 3}
#jepsen.history.Op{:type :ok, :f :read, :value nil, :process 1, :time 14, :index 4}
{:type :invoke, :f :cas, :value [3 4], :process 2, :time 15, :index 5}
{:type :info, :f :cas, :value [3 4], :process 2, :time 16, :index 6, :error [:timeout "n1"]}
`);
    const texts = ["process 0: write 3 -> ok", "process 1: read -> null", "process 2: cas [3,4] -> unknown"];
    assert.deepEqual(operations.map(operationText), texts);
    assert.equal(operations[2]?.error, '["timeout","n1"]');
    assert.equal(checkHistory(operations, { model: "cas-register" }).verdict, "violation");
  });

  test("of transactions has the steps of list-append", () => {
    const operations = parseHistory(`
{:process 0, :type :invoke, :f :txn, :value [[:append 5 1] [:r 6 nil]]}
{:process 0, :type :ok, :f :txn, :value [[:append 5 1] [:r 6 nil]]}
{:process 1, :type :invoke, :f :txn, :value [[:r 5 nil]]}
{:process 1, :type :ok, :f :txn, :value [[:r 5 [1]]]}
`);
    assert.equal(checkHistory(operations, { model: "list-append" }).verdict, "ok");
  });

  test("with a line that is no EDN is refused by its line", () => {
    const line = { code: "HISTORY_MALFORMED", message: "Line 2 is not EDN." };
    assert.throws(() => parseHistory("{:process :nemesis, :type :info, :f :x}\n{:process"), line);
  });
});
