import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, test } from "node:test";
import { allCommands } from "../../cli/commands/index.ts";
import { parseCommandLine } from "../../cli/parse.ts";
import type { Route } from "./route.ts";
import { quoted, twinOf } from "./twins.ts";

const COMMANDS = await allCommands();

/** As a shell reads it. */
function wordsOf(commandLine: string): string[] {
  return execFileSync("sh", ["-c", `printf '%s\\0' ${commandLine}`], { encoding: "utf8" })
    .split("\0")
    .slice(0, -1);
}

describe("twins of pages on the command line", () => {
  test("a shell reads a name as one word, as it is", () => {
    const names = ["plain/a.b", "with space", "it's", "$HOME `id` \\", '"quoted"', "*", "ü日"];
    assert.deepEqual(wordsOf(names.map(quoted).join(" ")), names);
  });

  test("the command line takes each of them, and finds the page's names in it", () => {
    const name = "it's a/b";
    const cases: [Route, string[], Record<string, unknown>][] = [
      [{ page: "overview" }, [], {}],
      [{ page: "buckets" }, [], {}],
      [{ page: "objects", bucket: "b", prefix: `${name}/` }, [`b/${name}/`], {}],
      [{ page: "objects", bucket: "b", prefix: "", versions: true }, ["b/"], { versions: true }],
      [{ page: "object", bucket: "b", key: name, version: "v1" }, [`b/${name}`], { versionId: "v1" }],
      [{ page: "bucket", bucket: "b" }, ["b"], {}],
      [{ page: "users" }, [], {}],
      [{ page: "user", user: "alice" }, ["alice"], {}],
      [{ page: "policies" }, [], {}],
      [{ page: "policy", policy: "p.q" }, ["p.q"], {}],
      [{ page: "new-policy" }, ["NAME", "FILE"], {}],
      [{ page: "decision", user: "alice" }, ["s3:GetObject", "BUCKET/KEY"], { user: "alice" }],
      [{ page: "cluster" }, [], {}],
      [{ page: "ids" }, [], {}],
      [{ page: "events", severity: "error" }, [], { severity: "error" }],
    ];
    for (const [route, names, flags] of cases) {
      const [program, ...words] = wordsOf(twinOf(route)!);
      const parsed = parseCommandLine(words, COMMANDS);
      assert.deepEqual([program, parsed.arguments, { ...parsed.flags }], ["ashlar", names, flags]);
    }
    assert.equal(twinOf({ page: "missing" }), undefined);
  });
});
