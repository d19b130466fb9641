import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "../../../src/testing/server-process.ts";
import type { PeerKind } from "../../s3/peer.ts";

const PACKAGE = new URL("../../../package.json", import.meta.url);
const CLUSTER = fileURLToPath(new URL("../../../scripts/cluster.ts", import.meta.url));

/** As `npm run cluster` starts it; clients speak to its first node. */
export const ASHLAR_CLUSTER: PeerKind = {
  name: "Ashlar",
  async start() {
    const { version } = JSON.parse(await readFile(PACKAGE, "utf8"));
    await using undo = new AsyncDisposableStack();
    const folder = undo.use(await temporaryFolder("bench-cluster"));
    const args = [CLUSTER, "--nodes", "3", "--data-dir", folder.path, "--print-json"];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "ignore"] });
    const gone = once(child, "exit");
    undo.defer(async () => {
      child.kill("SIGTERM");
      await gone;
    });
    const [line] = await once(createInterface({ input: child.stdout }), "line");
    const { nodes } = JSON.parse(String(line)) as { readonly nodes: readonly { readonly s3: string }[] };
    const root = JSON.parse(await readFile(join(folder.path, "node-1", "root-key.json"), "utf8"));
    const kept = undo.move();
    return {
      ...{
        version,
        durability:
          "three nodes, three copies: every answer waits for fdatasync on a majority (rows) or on all (bytes)",
      },
      ...{ url: nodes[0]!.s3, accessKey: root.accessKey, secretKey: root.secretKey, pids: [child.pid!] },
      [Symbol.asyncDispose]: () => kept.disposeAsync(),
    };
  },
};
