import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { text, utf8 } from "../../std/bytes.ts";
import { freePort } from "../../testing/free-port.ts";
import { NoAnswer, S3TestClient } from "../../testing/s3-client.ts";
import { type ServerProcess, startServerProcess, temporaryFolder } from "../../testing/server-process.ts";
import { beginDataDirectory } from "../data-directory.ts";

/** A cluster whose nodes the test starts one by one. */
export class GrowingCluster implements AsyncDisposable {
  readonly #folder: Awaited<ReturnType<typeof temporaryFolder>>;
  readonly #args: readonly string[];
  readonly #ports = new Map<string, number>();
  readonly running: Map<string, ServerProcess> = new Map();
  joinToken: string = "";

  private constructor(folder: Awaited<ReturnType<typeof temporaryFolder>>, args: readonly string[]) {
    this.#folder = folder;
    this.#args = args;
  }

  /** Of one node. `args` are for every node. */
  static async begin(tls: boolean, args: readonly string[] = []): Promise<GrowingCluster> {
    const growing = new GrowingCluster(await temporaryFolder("members"), args);
    const dataDirectory = growing.dataDirOf("a");
    growing.joinToken = await beginDataDirectory({ dataDirectory, name: "test", zone: "west", tls });
    await growing.run("a");
    return growing;
  }

  /** Of a first node, `a`, and these. */
  static async of(tls: boolean, names: readonly string[], args: readonly string[] = []): Promise<GrowingCluster> {
    const cluster = await GrowingCluster.begin(tls, args);
    for (const name of names) await cluster.run(name, cluster.joinToken);
    return cluster;
  }

  get first(): ServerProcess {
    return this.running.values().next().value!;
  }

  dataDirOf(name: string): string {
    return join(this.#folder.path, name);
  }

  node(name: string): ServerProcess {
    return this.running.get(name)!;
  }

  /** With a token it joins. */
  async run(name: string, token?: string, dataDir: string = this.dataDirOf(name)): Promise<ServerProcess> {
    const joining = token === undefined ? [] : ["--join", this.first.peer!];
    const env = token === undefined ? {} : { ASHLAR_JOIN_TOKEN: token };
    const server = await startServerProcess({ dataDir, args: [...(await this.argsOf(name)), ...joining], env });
    this.running.set(name, server);
    return server;
  }

  /** What `ashlar serve` is told of the cluster each time. */
  async argsOf(name: string): Promise<readonly string[]> {
    const port = this.#ports.get(name) ?? (await freePort());
    this.#ports.set(name, port);
    return ["--peer-listen", `127.0.0.1:${port}`, "--segment-bytes", "8MiB", ...this.#args];
  }

  async stop(name: string, how: "stop" | "kill" = "kill"): Promise<void> {
    const server = this.node(name);
    this.running.delete(name);
    await server[how]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.running.values()) await server.kill();
    await this.#folder[Symbol.asyncDispose]();
  }
}

/** Through one node, until it answers. */
export async function call(server: ServerProcess, method: string, target: string, body?: string): Promise<string> {
  for (const end = Date.now() + 60_000; ; await sleep(100)) {
    const client = new S3TestClient(server.s3, server);
    try {
      const answer = await client.call({ method, target, ...(body !== undefined && { body: utf8(body) }) });
      if (answer.status === 200) return text(answer.body);
      if (answer.status < 500 || Date.now() > end) assert.fail(`${method} ${target}: ${answer.status}`);
    } catch (error) {
      if (!(error instanceof NoAnswer) || Date.now() > end) throw error;
    } finally {
      client.close();
    }
  }
}
