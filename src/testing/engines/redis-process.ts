import { connect } from "node:net";
import { freePort } from "../free-port.ts";
import { memoryFolder } from "../server-process.ts";
import { EngineChild } from "./engine-child.ts";

/** A real Redis on a free port that keeps what it acknowledges; its data, in memory, goes with it. */
export class RedisProcess implements AsyncDisposable {
  readonly #folder: AsyncDisposable & { readonly path: string };
  readonly #port: number;
  readonly #fsync: string;
  readonly #child = new EngineChild("Redis");
  #places = 0;

  /** `fsync` as its `appendfsync`. */
  static async start({ fsync = "always" }: { readonly fsync?: string } = {}): Promise<RedisProcess> {
    const redis = new RedisProcess(await memoryFolder("redis"), await freePort(), fsync);
    await redis.run();
    return redis;
  }

  private constructor(folder: AsyncDisposable & { readonly path: string }, port: number, fsync: string) {
    this.#folder = folder;
    this.#port = port;
    this.#fsync = fsync;
  }

  /** For `--worker-ids`: a database that is empty so far. */
  newPlace(): string {
    return `redis://127.0.0.1:${this.#port}/${++this.#places}`;
  }

  /** Over the data that it has; after `kill`. */
  async run(): Promise<void> {
    const args = [
      ...["--port", String(this.#port), "--bind", "127.0.0.1", "--dir", this.#folder.path],
      ...["--appendonly", "yes", "--appendfsync", this.#fsync, "--save", ""],
    ];
    await this.#child.run("redis-server", args, () => this.#isReady());
  }

  /** SIGKILL, and waits until it is gone. The data stays. */
  async kill(): Promise<void> {
    await this.#child.kill();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.#folder[Symbol.asyncDispose]();
  }

  /** It answers, and not that it still reads its data. */
  async #isReady(): Promise<boolean> {
    try {
      const socket = connect(this.#port, "127.0.0.1");
      socket.end("PING\r\n");
      let answer = "";
      for await (const chunk of socket) answer += String(chunk);
      return answer.startsWith("+PONG");
    } catch {
      return false;
    }
  }
}
