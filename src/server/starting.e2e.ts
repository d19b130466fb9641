// Real servers that start without a majority: they wait, say so, end cleanly when told to, and go on once others come.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { freePort } from "../testing/free-port.ts";
import { untilCanLose } from "./testing/cluster-status.ts";
import { GrowingCluster } from "./testing/growing-cluster.ts";

const ASHLAR = fileURLToPath(new URL("../../bin/ashlar.js", import.meta.url));

/** Until the page has this status, and says something like it. */
async function until(url: string, status: number, says: RegExp, child: ChildProcess): Promise<void> {
  let said = "";
  for (const end = Date.now() + 60_000; Date.now() < end && child.exitCode === null; await sleep(50)) {
    const answer = await fetch(url).catch(() => undefined);
    said = `${answer?.status} ${await answer?.text()}`;
    if (answer?.status === status && says.test(said)) return;
  }
  assert.fail(`${url}: ${said}; exit code ${child.exitCode}`);
}

test("a server without a majority waits, says why, and ends with code 0 when told to", {
  timeout: 200_000,
}, async () => {
  await using cluster = await GrowingCluster.of(true, ["b", "c"]);
  await untilCanLose(cluster.first, 1);
  for (const name of ["a", "b", "c"]) await cluster.stop(name);
  const args = await cluster.argsOf("a");
  const api = await freePort();
  const start = (): ChildProcess => {
    const listen = ["--s3-listen", "127.0.0.1:0", "--api-listen", `127.0.0.1:${api}`];
    return spawn(process.execPath, [ASHLAR, "serve", "--data-dir", cluster.dataDirOf("a"), ...listen, ...args], {
      stdio: "ignore",
    });
  };
  const first = start();
  try {
    await until(`http://127.0.0.1:${api}/healthz`, 200, /ok/, first);
    await until(`http://127.0.0.1:${api}/readyz`, 503, /knows no leader|asks whether it could win/, first);
    const gone = once(first, "exit");
    first.kill("SIGTERM");
    assert.deepEqual(await gone, [0, null]);
  } finally {
    first.kill("SIGKILL");
  }

  const second = start();
  try {
    await until(`http://127.0.0.1:${api}/readyz`, 503, /knows no leader|asks whether/, second);
    await cluster.run("b");
    await until(`http://127.0.0.1:${api}/readyz`, 200, /./, second);
  } finally {
    const gone = once(second, "exit");
    if (second.kill("SIGKILL")) await gone;
  }
});
