import assert from "node:assert/strict";
import { posix } from "node:path";
import { describe, test } from "node:test";
import { text } from "../std/bytes.ts";
import { consoleFiles, isForBrowser } from "./console-files.ts";

const { read, stripTypes } = consoleFiles();

/** What a browser loads when it starts at a script, pages that are loaded late included; each with who asked for it. */
async function closureOf(entry: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map([[entry, "the page"]]);
  const missing: string[] = [];
  for (const name of found.keys()) {
    const bytes = (await read(name)) ?? (await read(name.replace(/\.js$/, ".ts")));
    if (bytes === undefined) {
      missing.push(`${name}, which ${found.get(name)} imports`);
      continue;
    }
    const source = name.includes("/vendor/") ? text(bytes) : stripTypes!(text(bytes));
    for (const [, specifier] of source.matchAll(/\b(?:from|import)\s*\(?\s*"([\w@:./-]+)"/g)) {
      assert.match(specifier!, /^\.{1,2}\//, `${name} imports ${specifier}, which no browser finds`);
      const target = posix.join(posix.dirname(name), specifier!);
      if (!found.has(target)) found.set(target, name);
    }
  }
  assert.deepEqual(missing, []);
  return found;
}

describe("files for the browser", () => {
  test("all that the console imports is among them, and nothing of Node is", async () => {
    const closure = await closureOf("console/main.js");
    assert.ok(closure.has("core/raft/node.js"), "the page /sim runs the core itself");
    assert.ok(closure.has("env/sim/scheduler.js"));
  });

  test("what the console does not run is not served", async () => {
    const names = ["server/start.ts", "env/node/env.ts", "env/sim/compute.ts", "core/raft/testing/group.ts"];
    const tests = ["core/raft/raft.paper.test.ts", "std/copier.test.ts", "console/model/route.test.ts"];
    for (const name of [...names, ...tests, "console/../server/start.ts", "console/tsconfig.json"]) {
      assert.equal(await read(name), undefined, name);
    }
    assert.ok(!isForBrowser("../package.json"));
    assert.ok(!isForBrowser("xconsole/main.ts"));
  });

  test("the page itself lies above its folders", async () => {
    assert.match(text((await read("index.html"))!), /src="\/app\/console\/main\.js"/);
  });
});
