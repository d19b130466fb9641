import { freePort } from "../free-port.ts";
import { memoryFolder } from "../server-process.ts";
import { EngineChild } from "./engine-child.ts";

/** A real etcd of one member on free ports; its data, in memory unless told otherwise, goes with it. */
export class EtcdProcess implements AsyncDisposable {
  /** `HOST:PORT` */
  readonly endpoint: string;
  readonly #folder: AsyncDisposable & { readonly path: string };
  readonly #peer: string;
  readonly #child = new EngineChild("etcd");
  #places = 0;

  static async start({ folder = memoryFolder }: { readonly folder?: typeof memoryFolder } = {}): Promise<EtcdProcess> {
    const [port, peerPort] = [await freePort(), await freePort()];
    const etcd = new EtcdProcess(await folder("etcd"), `127.0.0.1:${port}`, `http://127.0.0.1:${peerPort}`);
    await etcd.run();
    return etcd;
  }

  private constructor(folder: AsyncDisposable & { readonly path: string }, endpoint: string, peer: string) {
    this.endpoint = endpoint;
    this.#folder = folder;
    this.#peer = peer;
  }

  /** For `--store`: a prefix that is empty so far. */
  newPlace(): string {
    return `etcd://${this.endpoint}/place-${++this.#places}`;
  }

  /** Over the data that it has; after `kill`. */
  async run(): Promise<void> {
    const client = `http://${this.endpoint}`;
    const args = [
      ...["--data-dir", this.#folder.path, "--log-level", "error", "--logger", "zap"],
      ...["--listen-client-urls", client, "--advertise-client-urls", client],
      ...["--listen-peer-urls", this.#peer, "--initial-advertise-peer-urls", this.#peer],
      ...["--initial-cluster", `default=${this.#peer}`],
    ];
    await this.#child.run("etcd", args, () => isHealthy(client));
  }

  /** SIGKILL, and waits until it is gone. The data stays. */
  async kill(): Promise<void> {
    await this.#child.kill();
  }

  /** Stops for a while: its clients wait. */
  signal(name: "SIGSTOP" | "SIGCONT"): void {
    this.#child.signal(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.#folder[Symbol.asyncDispose]();
  }
}

async function isHealthy(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/health`);
    return answer.ok && ((await answer.json()) as { readonly health: string }).health === "true";
  } catch {
    return false;
  }
}
