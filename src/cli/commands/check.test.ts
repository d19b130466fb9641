import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { historyLines, serially } from "../../check/testing/notation.ts";
import { runCommandLine } from "../run.ts";

describe("ashlar check", () => {
  const folder = mkdtempSync(join(tmpdir(), "ashlar-check-"));
  after(() => rmSync(folder, { recursive: true }));

  const file = (name: string, notation: string): string => {
    const path = join(folder, name);
    writeFileSync(path, historyLines(notation));
    return path;
  };
  const good = file("good.jsonl", serially("0 write 1", "1 read -> 1"));
  const bad = file("bad.jsonl", serially("0 write 1", "0 write 2", "1 read -> 1"));

  async function check(...argv: readonly string[]) {
    let out = "";
    let err = "";
    const streams = {
      out: { write: (text: string) => (out += text) },
      err: { write: (text: string) => (err += text) },
    };
    const signal = new AbortController().signal;
    const code = await runCommandLine(["check", ...argv], { streams, environment: {}, signal });
    return { code, out, err };
  }

  test("ends with 0 where a history is consistent", async () => {
    const { code, out, err } = await check(good, "--model", "register");
    assert.deepEqual([code, out, err], [0, `consistent: 2 operations of ${good} as register are linearizable.\n`, ""]);
    const json = await check(bad, "--model", "register", "--consistency", "sequential", "--json");
    assert.equal(json.code, 0);
    assert.deepEqual(JSON.parse(json.out), {
      verdict: "ok",
      model: "register",
      consistency: "sequential",
      operations: 3,
    });
  });

  test("ends with 1 and shows the counter-example where it is not", async () => {
    const html = join(folder, "picture.html");
    const { code, out, err } = await check(bad, "--model", "register", "--html", html);
    assert.deepEqual([code, err], [1, ""]);
    assert.match(out, /^violation: 3 operations of .*bad\.jsonl as register: linearizability\.\n/);
    assert.match(out, /line 5 {2}process 1: read -> 1\n/);
    assert.match(readFileSync(html, "utf8"), /<svg[\s\S]*write 2[\s\S]*<\/svg>/);
    const json = JSON.parse((await check(bad, "--model", "register", "--json")).out);
    assert.deepEqual([json.verdict, json.anomaly, json.counterexample.length], ["violation", "linearizability", 3]);
    assert.deepEqual(json.counterexample[2], { line: 5, process: 1, f: "read", input: null, output: 1, outcome: "ok" });
  });

  test("does not call a history without operations consistent", async () => {
    const empty = join(folder, "empty.edn");
    writeFileSync(empty, "\n{:process :nemesis, :type :info, :f :start}\n");
    const { code, out, err } = await check(empty, "--model", "register");
    assert.deepEqual([code, out], [2, ""]);
    assert.match(err, /holds no operation: nothing was checked/);
    const one = file("one.jsonl", "0 invoke write 1");
    assert.match((await check(one, "--model", "register")).out, /^consistent: 1 operation of .* is linearizable\.$/m);
  });

  test("ends with 2 and a verdict where it does not know", async () => {
    const writes = Array.from({ length: 1_200 }, (_, at) => `${at % 7} write ${at % 5}`);
    const causal = file("large.jsonl", serially(...writes));
    const { code, out, err } = await check(causal, "--model", "register", "--consistency", "causal");
    assert.deepEqual([code, err], [2, ""]);
    assert.match(out, /^unknown: 1200 operations of /);
    const json = await check(causal, "--model", "register", "--consistency", "causal", "--json");
    assert.deepEqual([json.code, JSON.parse(json.out).verdict], [2, "unknown"]);
  });

  test("ends with 2 and an error, never with 1, where there is no verdict to give", async () => {
    const broken = file("broken.jsonl", serially("0 write 1"));
    writeFileSync(broken, `${readFileSync(broken, "utf8")}\n{"process":0`);
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [[good], /--model is missing: it is one of register, /],
      [[good, "--model", "registr"], /There is no model registr/],
      [
        [good, "--model", "mutex", "--consistency", "causal"],
        /--consistency of mutex is one of linearizable, sequential/,
      ],
      [[good, "--model", "mutex"], /Line 1: the model mutex has no function write/],
      [[good, "--model", "register", "--seconds", "0"], /--seconds/],
      [[broken, "--model", "register"], /Line 3 is not JSON/],
      [[join(folder, "nothing"), "--model", "register"], /nothing can not be used: ENOENT/],
      [[bad, "--model", "register", "--html", join(folder, "no", "such.html")], /such\.html can not be written/],
    ];
    for (const [argv, message] of cases) {
      const { code, out, err } = await check(...argv);
      assert.deepEqual([code, out], [2, ""], argv.join(" "));
      assert.match(err, message);
    }
  });
});
