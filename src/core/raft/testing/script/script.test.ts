import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { configurationOf } from "../../configuration.ts";
import { parseScript } from "./parse.ts";
import { type Decision, describeCommitted } from "./quorum-commands.ts";
import { runScript } from "./run.ts";

const folder = new URL("../../testdata/", import.meta.url);

describe("scripts", () => {
  for (const name of readdirSync(folder)) {
    test(`${name} plays as written`, () => {
      const { blocks, mismatches } = runScript(readFileSync(new URL(name, folder), "utf8"));
      assert(blocks > 5);
      assert.deepEqual(mismatches, []);
    });
  }

  test("a block that prints something else is a mismatch, and the rest is played all the same", () => {
    const script =
      "add-nodes 1 voters=(1) index=3\n----\nnonsense\n\nraft-state\n----\n1: StateFollower (Voter) Term:0 Lead:0\n";
    const { blocks, mismatches, rewritten } = runScript(script);
    assert.equal(blocks, 2);
    assert.deepEqual(mismatches, [{ line: 1, command: "add-nodes", expected: "nonsense", actual: "ok" }]);
    assert.equal(rewritten, script.replace("nonsense", "ok"));
  });

  test("a peer's log lines do not count, and a block of nothing else says ok", () => {
    const script = "add-nodes 1 voters=(1) index=3\n----\nINFO 1 switched to configuration voters=(1)\n  DEBUG x\n";
    assert.deepEqual(runScript(script).mismatches, []);
  });

  test("what the script has wrong becomes the output", () => {
    const outputs = (script: string): readonly string[] => runScript(script).mismatches.map(({ actual }) => actual);
    assert.deepEqual(outputs("dance 1\n----\n"), ["unknown command"]);
    assert.deepEqual(outputs("add-nodes 1 index=1\n----\n"), ["index must be specified as > 1 due to bootstrap"]);
    assert.deepEqual(outputs("campaign 1\n----\n"), ["there is no node 1"]);
    assert.deepEqual(outputs("log-level loud\n----\n"), [
      "log levels must be either of [DEBUG INFO WARN ERROR FATAL NONE]",
    ]);
  });

  test("a doubled divider opens an output with empty lines", () => {
    const [first, second] = parseScript("a\n----\n----\none\n\ntwo\n----\n----\n\nb c=(1,2) d=e\ninput\n----\nout\n");
    assert.equal(first?.expected, "one\n\ntwo");
    assert.equal(second?.input, "input");
    assert.deepEqual(second?.args, [
      { key: "c", values: ["1", "2"] },
      { key: "d", values: ["e"] },
    ]);
  });

  test("a decision that depends on what it must not is told beside the index", () => {
    const told = (decide: Decision<number>, outgoing?: readonly number[]): readonly string[] => {
      const configuration = configurationOf({ voters: [1, 2, 3], votersOutgoing: outgoing ?? [] });
      const heard = new Map([1, 2, 3].map((id) => [id, id * 10]));
      const lines = describeCommitted({ configuration, hasHalves: outgoing !== undefined, heard }, decide).split("\n");
      return lines.slice(4, -1);
    };
    assert.deepEqual(
      told(({ voters }) => voters[0] ?? 0, [3]),
      ["3 <-- via symmetry", "1"],
    );
    assert.deepEqual(
      told(({ votersOutgoing }) => (votersOutgoing.length === 0 ? 20 : 30)),
      ["30 <-- via self-joint quorum", "20"],
    );
    assert.deepEqual(
      told((_, heard) => heard.get(1)! + 10),
      ["19 <-- overlaying 1->1010 <-- overlaying 1->020"],
    );
    assert.deepEqual(
      told(() => 30),
      ["20 <-- via alternative computation", "30"],
    );
  });
});
