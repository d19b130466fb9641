// `npm run cluster` and the commands on a cluster, as an operator types them.

import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "../testing/server-process.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const ASHLAR = join(ROOT, "bin", "ashlar.js");

interface ReadyLine {
  readonly ready: boolean;
  readonly nodes: readonly { readonly s3: string; readonly api: string; readonly pid: number }[];
}

async function cluster(folder: string, ...more: string[]): Promise<readonly [ChildProcess, ReadyLine]> {
  const args = [join(ROOT, "scripts", "cluster.ts"), "--data-dir", folder, "--print-json", ...more];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "ignore"] });
  const [line] = await once(createInterface({ input: child.stdout! }), "line");
  return [child, JSON.parse(String(line)) as ReadyLine];
}

async function ended(child: ChildProcess): Promise<number | null> {
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  return (await exit)[0] as number | null;
}

test("a cluster that one command starts is run with the command line", { timeout: 300_000 }, async () => {
  await using folder = await temporaryFolder("cluster");
  let [child, { ready, nodes }] = await cluster(folder.path);
  try {
    assert.deepEqual([ready, nodes.length], [true, 3]);
    const env = { ...process.env, ASHLAR_DATA_DIR: join(folder.path, "node-1") };
    const ashlar = (api: string, ...args: string[]): Promise<{ readonly code: number; readonly out: string }> => {
      return new Promise((resolve) => {
        execFile(process.execPath, [ASHLAR, ...args, "--api", api], { env }, (error, stdout, stderr) => {
          resolve({ code: typeof error?.code === "number" ? error.code : 0, out: stdout + stderr });
        });
      });
    };
    const [one, two, three] = nodes.map(({ api }) => api) as [string, string, string];
    const status = await ashlar(two, "cluster", "status");
    assert.deepEqual([status.code, /^Can lose 1 more node\./.test(status.out)], [0, true], status.out);
    assert.equal((status.out.match(/ voter | leader /g) ?? []).length, 3, status.out);
    assert.equal((await ashlar(three, "bucket", "create", "photos")).code, 0);

    const token = await ashlar(one, "cluster", "token", "--ttl-seconds", "60");
    assert.match(token.out, /^ashlar-join-1\.[\w-]+\n$/);
    const before = await readFile(join(folder.path, "node-2", "cluster", "node.pem"), "utf8");
    const certs = await ashlar(two, "cluster", "certs", "--renew");
    assert.match(certs.out, /NODE +ENDS\n +1 +20/);
    assert.notEqual(await readFile(join(folder.path, "node-2", "cluster", "node.pem"), "utf8"), before);
    const inUse = await ashlar(one, "cluster", "remove", "3");
    assert.deepEqual([inUse.code, /Drain it first/.test(inUse.out)], [1, true], inUse.out);
    assert.equal((await ashlar(one, "cluster", "drain", "3")).code, 0);
    assert.match((await ashlar(one, "cluster", "status")).out, / 3 +draining/);
    assert.equal((await ashlar(one, "cluster", "drain", "3", "--undo")).code, 0);
    assert.equal((await ashlar(one, "cluster", "drain", "9")).code, 1);

    process.kill(nodes[0]!.pid, "SIGKILL");
    for (const end = Date.now() + 60_000; ; await sleep(200)) {
      const left = await ashlar(two, "cluster", "status");
      if (left.code === 1 && /Can lose 0 more nodes\. Node 1 does not answer\./.test(left.out)) break;
      assert.ok(Date.now() < end, left.out);
    }
    assert.match((await ashlar(three, "bucket", "ls")).out, /photos/);
    assert.equal(await ended(child), 0);

    // With the same folder it is the same cluster; a node whose own folder is gone takes its place in it again.
    await rm(join(folder.path, "node-1"), { recursive: true });
    [child, { ready, nodes }] = await cluster(folder.path);
    assert.match((await ashlar(nodes[0]!.api, "bucket", "ls")).out, /photos/);
  } finally {
    await ended(child);
  }
});

test("commands on a cluster say what is missing", async () => {
  await using folder = await temporaryFolder("cluster");
  const run = (...args: string[]): Promise<{ readonly code: number; readonly out: string }> => {
    return new Promise((resolve) => {
      execFile(process.execPath, [ASHLAR, ...args, "--data-dir", folder.path], (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === "number" ? error.code : 0, out: stdout + stderr });
      });
    });
  };
  assert.match((await run("cluster", "join", "127.0.0.1:1")).out, /join token is missing/);
  const init = await run("cluster", "init");
  assert.deepEqual([init.code, /ashlar-join-1\./.test(init.out)], [0, true], init.out);
  assert.match((await run("cluster", "init")).out, /a node of a cluster already/);
});
