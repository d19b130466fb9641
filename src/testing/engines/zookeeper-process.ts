import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { freePort } from "../free-port.ts";
import { memoryFolder } from "../server-process.ts";
import { EngineChild } from "./engine-child.ts";
import { ZOOKEEPER_JAR } from "./programs.ts";

/** One that has just begun may take a connection and never answer on it. */
const ANSWER_MILLIS_MAX = 1000;

/** A real ZooKeeper of one server on a free port; its data, in memory, goes with it. */
export class ZookeeperProcess implements AsyncDisposable {
  readonly #folder: AsyncDisposable & { readonly path: string };
  readonly #port: number;
  readonly #child = new EngineChild("ZooKeeper");
  #places = 0;

  static async start(): Promise<ZookeeperProcess> {
    const zookeeper = new ZookeeperProcess(await memoryFolder("zookeeper"), await freePort());
    await zookeeper.run();
    return zookeeper;
  }

  private constructor(folder: AsyncDisposable & { readonly path: string }, port: number) {
    this.#folder = folder;
    this.#port = port;
  }

  /** For `--worker-ids`: a path that is empty so far. */
  newPlace(): string {
    return `zookeeper://127.0.0.1:${this.#port}/place-${++this.#places}`;
  }

  /** Over the data that it has; after `kill`. */
  async run(): Promise<void> {
    const { path } = this.#folder;
    const settings = {
      ...{ dataDir: path, clientPort: this.#port, clientPortAddress: "127.0.0.1", tickTime: 500 },
      ...{ "admin.enableServer": false, "4lw.commands.whitelist": "ruok" },
    };
    const file = join(path, "zoo.cfg");
    await writeFile(
      file,
      Object.entries(settings)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(""),
    );
    const main = "org.apache.zookeeper.server.quorum.QuorumPeerMain";
    await this.#child.run("java", ["-cp", ZOOKEEPER_JAR, main, file], () => this.#isReady());
  }

  /** SIGKILL, and waits until it is gone. The data stays. */
  async kill(): Promise<void> {
    await this.#child.kill();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.#folder[Symbol.asyncDispose]();
  }

  async #isReady(): Promise<boolean> {
    try {
      const socket = connect(this.#port, "127.0.0.1");
      socket.setTimeout(ANSWER_MILLIS_MAX, () => socket.destroy());
      socket.write("ruok");
      let answer = "";
      for await (const chunk of socket) answer += String(chunk);
      return answer === "imok";
    } catch {
      return false;
    }
  }
}
