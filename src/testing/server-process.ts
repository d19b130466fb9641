import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface ServerProcess extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly s3: string;
  readonly api: string;
  /** Where `--leaf-listen` asks for it. */
  readonly leaf: string | undefined;
  /** `127.0.0.1:PORT`, of a node of a cluster. */
  readonly peer: string | undefined;
  /** `thrift://127.0.0.1:PORT`, where the arguments open it. */
  readonly thrift: string | undefined;
  readonly dataDir: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly process: ChildProcess;
  /** What it wrote to standard error so far. */
  log(): string;
  /** SIGKILL, and waits until it is gone. The data stays. */
  kill(): Promise<void>;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
}

/** ASHLAR_LAUNCHER: another one, of an installed package for instance. */
const launcher = process.env["ASHLAR_LAUNCHER"] ?? fileURLToPath(new URL("../../bin/ashlar.js", import.meta.url));
const START_MILLIS_MAX = 60_000;

export async function temporaryFolder(name: string): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), `ashlar-${name}-`));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** In memory where there is such a disk: for what is killed, and never loses power. */
export async function memoryFolder(name: string): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), `ashlar-${name}-`));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** A real server on free ports. Without `dataDir` its data goes with it. */
export async function startServerProcess(
  options: { readonly dataDir?: string; readonly args?: readonly string[]; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<ServerProcess> {
  const own = options.dataDir === undefined ? await temporaryFolder("server") : undefined;
  const dataDir = options.dataDir ?? own!.path;
  const { args: given = [] } = options;
  const listen = ["--s3-listen", "--api-listen"].flatMap((flag) => (given.includes(flag) ? [] : [flag, "127.0.0.1:0"]));
  const args = [launcher, "serve", "--data-dir", dataDir, ...listen, "--print-json", ...given];
  const child = spawn(process.execPath, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...options.env },
  });
  let log = "";
  child.stderr.on("data", (chunk: Buffer) => {
    log = (log + chunk.toString()).slice(-100_000);
  });
  const gone = once(child, "exit");
  const ready = await firstLine(child, gone, () => log);
  const { ASHLAR_ROOT_ACCESS_KEY: accessKey, ASHLAR_ROOT_SECRET_KEY: secretKey } = { ...process.env, ...options.env };
  const root =
    accessKey !== undefined && secretKey !== undefined
      ? { accessKey, secretKey }
      : JSON.parse(await readFile(join(dataDir, "root-key.json"), "utf8"));
  const stop = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(signal);
      await gone;
    }
    return child.exitCode;
  };
  return {
    s3: ready.s3,
    api: ready.api,
    leaf: ready.leaf,
    peer: ready.peer,
    thrift: ready.thrift,
    dataDir,
    accessKey: root.accessKey,
    secretKey: root.secretKey,
    process: child,
    log: () => log,
    kill: async () => void (await stop("SIGKILL")),
    stop: () => stop("SIGTERM"),
    async [Symbol.asyncDispose]() {
      await stop("SIGKILL");
      await own?.[Symbol.asyncDispose]();
    },
  };
}

async function firstLine(child: ChildProcess, gone: Promise<unknown>, log: () => string) {
  const lines = createInterface({ input: child.stdout! });
  const timeout = AbortSignal.timeout(START_MILLIS_MAX);
  const line = await Promise.race([
    once(lines, "line", { signal: timeout }).then(([text]) => String(text)),
    gone.then(() => undefined),
  ]).catch((cause: unknown) => {
    child.kill("SIGKILL");
    throw new Error(`the server was not ready in time:\n${log()}`, { cause });
  });
  lines.close();
  child.stdout!.resume();
  if (line === undefined) throw new Error(`the server ended before it was ready:\n${log()}`);
  return JSON.parse(line) as {
    readonly ready: true;
    readonly s3: string;
    readonly api: string;
    readonly leaf?: string;
    readonly peer?: string;
    readonly thrift?: string;
  };
}
