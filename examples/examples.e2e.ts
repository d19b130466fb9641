import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

// Every example runs as its first lines say, and does what it tells; the README and the manual quote them as they are.

const here = fileURLToPath(new URL(".", import.meta.url));

/** What the example prints, line by line. */
async function run(name: string, ...args: string[]): Promise<readonly string[]> {
  const file = join(here, name);
  const options = { timeout: 60_000 };
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--conditions=ashlar-source", file, ...args],
    options,
  );
  return stdout.trim().split("\n");
}

const EXAMPLES: Record<string, () => Promise<void>> = {
  async "counter.ts"() {
    assert.deepEqual(await run("counter.ts"), ["14", "28", "42"]);
  },

  async "kv.ts"() {
    assert.deepEqual(await run("kv.ts"), [
      "green: written",
      "red: somebody was quicker",
      "[ 'config/colour', 'config/online/me' ]",
      "config/colour is blue",
      "config/colour is green",
      "config/online/me is yes",
      "config/online/me is gone",
    ]);
  },

  async "kv-over-tcp.ts"() {
    const folder = await mkdtemp(join(tmpdir(), "ashlar-example-"));
    try {
      for (let visits = 1; visits <= 3; visits++) {
        const [first, leads, ...reads] = await run("kv-over-tcp.ts", folder);
        assert.equal(first, `member 1 finds ${visits === 1 ? "no" : visits - 1} visits, and counts this one: true`);
        assert.match(leads!, /^member [123] leads$/);
        assert.deepEqual(
          reads,
          [1, 2, 3].map((id) => `member ${id} reads ${visits} and "visit ${visits}"`),
        );
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },

  async "core.ts"() {
    const [leader, ...rest] = await run("core.ts");
    assert.match(leader!, /^This node leads in term \d+\.$/);
    assert.deepEqual([...rest].sort(), ["member 1: hello", "member 2: hello", "member 3: hello"]);
  },

  async "ids.ts"() {
    assert.deepEqual(await run("ids.ts"), [
      "10001 ids, none twice",
      "in order",
      "WINDOW_SPENT",
      "twitter 2022-06-28T16:07:40.105Z time 367597485448, datacenter 11, worker 26, sequence 0",
      "AS4fmHgxYzd 1541815603606036480n",
      "36 true",
    ]);
  },

  async "ids-from-a-server.ts"() {
    assert.deepEqual(await run("ids-from-a-server.ts"), [
      "1000n [ 1001n, 1002n, 1003n ]",
      "10000 11003n",
      "likely time 41, worker 10, sequence 12",
    ]);
  },

  async "check-a-history.ts"() {
    const lines = await run("check-a-history.ts");
    assert.equal(lines[0], "violation");
    assert.ok(lines.length > 2);
    const folder = await mkdtemp(join(tmpdir(), "ashlar-example-"));
    try {
      const file = join(folder, "history.jsonl");
      await writeFile(file, '{"process":0,"type":"invoke","f":"read"}\n{"process":0,"type":"ok","f":"read"}\n');
      assert.deepEqual(await run("check-a-history.ts", file), ["ok"]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

describe("examples", () => {
  for (const [name, check] of Object.entries(EXAMPLES)) test(name, check);

  test("all of them are run, here or by the pure tests", async () => {
    const names = (await readdir(here)).filter((name) => name.endsWith(".ts") && !/\.(e2e|test)\.ts$/.test(name));
    const pure = await readFile(join(here, "examples.test.ts"), "utf8");
    const untested = names.filter((name) => !(name in EXAMPLES) && !pure.includes(`"./${name}"`));
    assert.deepEqual(untested, []);
  });

  for (const [page, name] of [
    ["README.md", "counter.ts"],
    ["docs/raft.md", "core.ts"],
    ["docs/kv.md", "kv.ts"],
    ["docs/ids.md", "ids.ts"],
    ["docs/ids.md", "ids-from-a-server.ts"],
  ] as const) {
    test(`${page} quotes ${name} as it is`, async () => {
      const lines = (await readFile(join(here, name), "utf8")).split("\n");
      const code = lines
        .slice(lines.findIndex((line) => !line.startsWith("//")))
        .join("\n")
        .trim();
      assert.ok((await readFile(join(here, "..", page), "utf8")).includes(`\`\`\`ts\n${code}\n\`\`\``));
    });
  }
});
