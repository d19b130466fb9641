import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { startServerProcess } from "../testing/server-process.ts";
import { runCommandLine } from "./run.ts";

const LAUNCHER = process.env["ASHLAR_LAUNCHER"] ?? fileURLToPath(new URL("../../bin/ashlar.js", import.meta.url));

test("ashlar kv writes, reads, scans, watches and deletes keys, and only if they are what was thought", async () => {
  await using server = await startServerProcess();
  const environment = { ASHLAR_API: server.api, ASHLAR_DATA_DIR: server.dataDir };
  const kv = async (...args: string[]) => {
    const out: Buffer[] = [];
    let err = "";
    const streams = {
      out: { write: (chunk: string | Uint8Array) => void out.push(Buffer.from(chunk)) },
      err: { write: (text: string) => void (err += text) },
    };
    const signal = new AbortController().signal;
    const code = await runCommandLine(["kv", ...args], { streams, environment, signal });
    return { code, bytes: Buffer.concat(out), out: Buffer.concat(out).toString(), err };
  };
  const bytes = randomBytes(70_000);
  const file = join(server.dataDir, "value.bin");
  await writeFile(file, bytes);
  const put = await kv("put", "app/binary", "--file", file, "--json");
  assert.equal(put.code, 0, put.err);
  assert.ok((await kv("get", "app/binary")).bytes.equals(bytes));
  const { revision } = JSON.parse(put.out);

  assert.equal((await kv("put", "app/colour", "blue", "--if-revision", "0")).code, 0);
  const late = await kv("put", "app/colour", "red", "--if-revision", "0");
  assert.deepEqual([late.code, late.out], [1, "app/colour has another revision.\n"]);
  const scan = await kv("scan", "app/c");
  assert.match(scan.out, /^KEY +SUFFIX +REVISION +VALUE\napp\/colour +\d+ +blue\n$/);

  const watch = spawn(process.execPath, [LAUNCHER, "kv", "watch", "app/"], { env: { ...process.env, ...environment } });
  const told = once(createInterface({ input: watch.stdout }), "line");
  // Nothing is told of what comes before the watch is open: so it comes again and again.
  let isTold = false;
  void told.then(() => (isTold = true));
  while (!isTold) await kv("put", "app/colour", "green");
  assert.match(String((await told)[0]), /^\d+ app\/colour = green$/);
  watch.kill("SIGINT");
  await once(watch, "close");

  assert.equal((await kv("delete", "app/binary", "--if-revision", String(revision))).code, 0);
  const absent = await kv("get", "app/binary");
  assert.deepEqual([absent.code, absent.out, absent.err], [1, "", "There is no key app/binary.\n"]);
});
