import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { answers, freePort, launch, NotRun, type PeerKind } from "../peer.ts";

const WEED = fileURLToPath(new URL("../../.venv/bin/weed", import.meta.url));
const CREDENTIALS = { accessKey: "bench", secretKey: "bench-secret" };
/** Each server also listens for gRPC at its port plus this. */
const GRPC_OFFSET = 10_000;

/** Master, volume server, filer and S3 gateway in one process; volumes are synced for every write under /buckets. */
export const SEAWEEDFS: PeerKind = {
  name: "SeaweedFS",
  async start(folder) {
    if (!existsSync(WEED)) throw new NotRun("its PyPI package is not installed");
    const version = /\d+\.\d+/.exec(weed(["version"]).replace(/^version \S+ /, ""))?.[0] ?? "unknown";
    const identities = [
      {
        name: "bench",
        credentials: [CREDENTIALS],
        actions: ["Admin", "Read", "Write", "List", "Tagging"],
      },
    ];
    await writeFile(join(folder, "s3.json"), JSON.stringify({ identities }));
    const [master, volume, filer, s3] = await portsWithGrpc(4);
    const child = launch(
      WEED,
      [
        ...["server", `-dir=${folder}`, "-ip=127.0.0.1", `-master.port=${master}`, "-master.volumeSizeLimitMB=1024"],
        ...[`-volume.port=${volume}`, "-volume.max=200", "-filer", `-filer.port=${filer}`],
        ...["-s3", `-s3.port=${s3}`, `-s3.config=${join(folder, "s3.json")}`],
      ],
      folder,
    );
    await answers(`http://127.0.0.1:${s3}/`, child);
    const rule = "fs.configure -locationPrefix=/buckets/ -fsync=true -apply\nfs.configure\nexit\n";
    const told = weed(["shell", `-master=127.0.0.1:${master}`, `-filer=127.0.0.1:${filer}`], rule);
    if (!/"fsync": +true/.test(told)) throw new NotRun("it did not take the rule that turns fsync on");
    const durability = "fsync of the volume for every write; its directory (leveldb) is not synced";
    return { version, durability, host: "127.0.0.1", port: s3!, ...CREDENTIALS, process: child };
  },
};

function weed(args: readonly string[], input = ""): string {
  return spawnSync(WEED, args, { input, encoding: "utf8", timeout: 60_000 }).stdout;
}

async function portsWithGrpc(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = await freePort();
    if (port + GRPC_OFFSET < 65_536) ports.push(port);
  }
  return ports;
}
