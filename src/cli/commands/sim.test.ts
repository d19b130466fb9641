import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { runCommandLine } from "../run.ts";

describe("ashlar sim", () => {
  async function sim(...argv: readonly string[]) {
    let out = "";
    let err = "";
    const streams = {
      out: { write: (text: string) => (out += text) },
      err: { write: (text: string) => (err += text) },
    };
    const signal = new AbortController().signal;
    const code = await runCommandLine(["sim", ...argv], { streams, environment: {}, signal });
    return { code, out, err };
  }

  test("lists the workloads", async () => {
    const { code, out } = await sim();
    assert.equal(code, 0);
    assert.match(out, /^WORKLOAD[\s\S]*^raft {2,}[\s\S]*^raft-core {2,}/m);
    const listed = JSON.parse((await sim("--json")).out);
    assert.ok(listed.some(({ name, bugs }: { name: string; bugs: object }) => name === "raft" && "vote-twice" in bugs));
  });

  test("ends with 0 where all seeds held, and says how many and how fast", async () => {
    const { code, out, err } = await sim(
      "raft-core",
      "--seed",
      "3",
      "--seeds",
      "2",
      "--seconds",
      "1",
      "--jobs",
      "1",
      "--twice",
    );
    assert.deepEqual([code, err], [0, ""]);
    assert.match(out, /^Seeds +2 from 3 on, 0 failed$/m);
    assert.match(out, /seeds a minute/);
  });

  test("ends with 1 where a seed failed, and the command that it prints fails in the same way", async () => {
    const bug = ["--bug", "acknowledge-before-disk"];
    const { code, out } = await sim("raft-core", ...bug, "--seeds", "40", "--seconds", "3", "--jobs", "1");
    assert.equal(code, 1);
    const told = /^seed (\d+) of raft-core failed: (.*)\.$/m.exec(out);
    assert.ok(told !== null, out);
    const command = /^ {2}ashlar sim (.*)$/m.exec(out)![1]!.split(" ");
    const again = await sim(...command);
    assert.equal(again.code, 1);
    assert.match(again.out, /^\d{4}\.\d{6} {2}n1 +start /m);
    assert.ok(again.out.includes(`seed ${told[1]} of raft-core failed: ${told[2]}`));
    const json = JSON.parse((await sim(...command.slice(0, -1), "--json")).out);
    assert.ok(json.violation.startsWith(told[2]));
  });

  test("ends with 2 where it was not understood", async () => {
    for (const [argv, message] of [
      [["other"], /There is no workload other: there is cluster, raft, raft-core\./],
      [["raft", "--bug", "other"], /raft has no seeded bug other: it has vote-/],
      [["raft-core", "--faults", "x"], /--faults: "x" is no fault of a schedule\./],
      [["raft-core", "--faults", "99999", "--seconds", "1"], /The seed's schedule has no fault 99999/],
      [["raft-core", "--trace", "--seeds", "2"], /--faults and --trace are about one seed\./],
    ] as const) {
      const { code, err } = await sim(...argv);
      assert.equal(code, 2, argv.join(" "));
      assert.match(err, message);
    }
  });
});
