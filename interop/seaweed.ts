import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { freePort } from "../src/testing/free-port.ts";
import { temporaryFolder } from "../src/testing/server-process.ts";
import { run } from "./client.ts";

/** Another maker's S3 server, to move data from. */
export interface ForeignServer extends AsyncDisposable {
  readonly s3: string;
  readonly accessKey: string;
  readonly secretKey: string;
}

export interface RunningSeaweed extends ForeignServer {
  readonly process: ChildProcess;
  /** Gives lines to `weed shell`; resolves with what it printed. */
  shell(lines: string): Promise<string>;
}

export interface SeaweedOptions {
  readonly binary?: string;
  readonly volumesMax?: number;
  readonly volumeMebibytesMax?: number;
}

const START_MILLIS_MAX = 60_000;
const credentials = { accessKey: "foreign-key", secretKey: "foreign-secret" };

/** SeaweedFS: master, volumes, filer and S3 gateway in one process on free ports. */
export async function startSeaweed({
  binary = fileURLToPath(new URL("./.venv/bin/weed", import.meta.url)),
  volumesMax = 20,
  volumeMebibytesMax = 64,
}: SeaweedOptions = {}): Promise<RunningSeaweed> {
  const folder = await temporaryFolder("seaweed");
  const config = join(folder.path, "s3.json");
  const { accessKey, secretKey } = credentials;
  const identity = { name: "admin", credentials: [{ accessKey, secretKey }], actions: ["Admin"] };
  await writeFile(config, JSON.stringify({ identities: [identity] }));
  const names = ["master.port", "volume.port", "filer.port", "s3.port"];
  const ports = await freePorts(names.length * 2);
  const listen = names.flatMap((name, at) => [`-${name}=${ports[2 * at]}`, `-${name}.grpc=${ports[2 * at + 1]}`]);
  const limits = [`-volume.max=${volumesMax}`, `-master.volumeSizeLimitMB=${volumeMebibytesMax}`];
  const unused = ["-master.telemetry=false", "-s3.port.iceberg=0", "-s3.port.lance=0"];
  const where = [`-dir=${folder.path}`, "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3", `-s3.config=${config}`];
  const child = spawn(binary, ["server", ...where, ...listen, ...limits, ...unused], {
    cwd: folder.path,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  child.stderr.on("data", (chunk: Buffer) => (log = (log + chunk.toString()).slice(-20_000)));
  const gone = once(child, "exit");
  const dispose = async (): Promise<void> => {
    child.kill("SIGKILL");
    await gone;
    await folder[Symbol.asyncDispose]();
  };
  const s3 = `http://127.0.0.1:${ports[6]}`;
  for (const endMillis = Date.now() + START_MILLIS_MAX; !(await answers(s3)); await sleep(200)) {
    if (Date.now() < endMillis && child.exitCode === null) continue;
    await dispose();
    throw new Error(`SeaweedFS did not start:\n${log}`);
  }
  const [master, masterGrpc, , , filer, filerGrpc] = ports;
  const targets = [`-master=127.0.0.1:${master}.${masterGrpc}`, `-filer=127.0.0.1:${filer}.${filerGrpc}`];
  const shell = (lines: string): Promise<string> => run(binary, ["shell", ...targets], { input: `${lines}\nexit\n` });
  return { s3, ...credentials, process: child, shell, [Symbol.asyncDispose]: dispose };
}

async function answers(url: string): Promise<boolean> {
  return await fetch(url).then(
    () => true,
    () => false,
  );
}

/** SeaweedFS can not say which ports it was given. */
async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}
