import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, test } from "node:test";
import { promisify } from "node:util";

const compute = new URL("./compute.ts", import.meta.url).href;

describe("a process with hashing threads", () => {
  test("lives while a digest is awaited, and ends when nothing is, though threads and streams are open", async () => {
    const output = await run(`
      const compute = new NodeCompute();
      const left = compute.hasher(["md5"], 1e9);
      left.update(new Uint8Array(1000));
      const hasher = compute.hasher(["md5"], 1e9);
      hasher.update(new TextEncoder().encode("abc"));
      hasher.digest().then((digests) => console.log(Buffer.from(digests.get("md5")).toString("hex")));
    `);
    assert.equal(output, "900150983cd24fb0d6963f7d28e17f72\n");
  });

  test("lives while an update waits for room", async () => {
    const output = await run(`
      const compute = new NodeCompute({ ringBytes: 4096 });
      const hasher = compute.hasher(["md5"], 1e9);
      hasher.update(new Uint8Array(1_000_000)).then(() => console.log("in"));
    `);
    assert.equal(output, "in\n");
  });
});

async function run(script: string): Promise<string> {
  const code = `import { NodeCompute } from ${JSON.stringify(compute)};${script}`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", code], {
    timeout: 30_000,
  });
  return stdout;
}
