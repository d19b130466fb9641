import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { freePort } from "../../../src/testing/free-port.ts";
import { temporaryFolder } from "../../../src/testing/server-process.ts";
import { NotRun } from "../../not-run.ts";
import type { PeerKind } from "../peer.ts";

const PACKAGE = fileURLToPath(new URL("../../node_modules/s3rver/", import.meta.url));
const START_MILLIS_MAX = 60_000;

export const S3RVER: PeerKind = {
  name: "s3rver",
  async start() {
    if (!existsSync(PACKAGE)) throw new NotRun("its npm package is not installed");
    const { version } = JSON.parse(readFileSync(`${PACKAGE}package.json`, "utf8"));
    await using undo = new AsyncDisposableStack();
    const folder = undo.use(await temporaryFolder("s3rver"));
    const port = await freePort();
    const args = ["-d", folder.path, "-a", "127.0.0.1", "-p", String(port), "--silent"];
    const child = spawn(process.execPath, [`${PACKAGE}bin/s3rver.js`, ...args], { stdio: "ignore" });
    const gone = once(child, "exit");
    undo.defer(async () => {
      child.kill("SIGKILL");
      await gone;
    });
    const url = `http://127.0.0.1:${port}`;
    for (const end = performance.now() + START_MILLIS_MAX; !(await answers(url)); await sleep(100)) {
      if (child.exitCode !== null || performance.now() > end) throw new NotRun("it did not start");
    }
    const kept = undo.move();
    return {
      ...{ version, durability: "none: files are written without a sync" },
      ...{ url, accessKey: "S3RVER", secretKey: "S3RVER", pids: [child.pid!] },
      [Symbol.asyncDispose]: () => kept.disposeAsync(),
    };
  },
};

function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    () => true,
    () => false,
  );
}
