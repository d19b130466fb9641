import { join } from "node:path";
import { type ServerProcess, startServerProcess, temporaryFolder } from "../../testing/server-process.ts";
import { freePort, Link } from "./link.ts";

export const NODE_IDS: readonly number[] = [1, 2, 3];
const ENVIRONMENT = {
  ASHLAR_ROOT_ACCESS_KEY: "cluster-root",
  ASHLAR_ROOT_SECRET_KEY: "cluster-secret",
  ASHLAR_SEAL_KEY: "5e".repeat(32),
};

/** Three real servers over one Store, whose links go through proxies of the test. */
export class ServerNodes implements AsyncDisposable {
  readonly #folder: Awaited<ReturnType<typeof temporaryFolder>>;
  readonly #ports: ReadonlyMap<number, number>;
  /** By sender and receiver, as in `1 2`. */
  readonly #links: ReadonlyMap<string, Link>;
  readonly #running = new Map<number, ServerProcess>();
  /** What servers that are gone had logged. */
  #earlier = "";

  static async start(): Promise<ServerNodes> {
    const ports = new Map<number, number>();
    for (const id of NODE_IDS) ports.set(id, await freePort());
    const links = new Map<string, Link>();
    for (const from of NODE_IDS) {
      for (const to of NODE_IDS) if (from !== to) links.set(`${from} ${to}`, await Link.to(ports.get(to)!));
    }
    const nodes = new ServerNodes(await temporaryFolder("cluster"), ports, links);
    try {
      await Promise.all(NODE_IDS.map((id) => nodes.run(id)));
      return nodes;
    } catch (error) {
      await nodes[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(
    folder: Awaited<ReturnType<typeof temporaryFolder>>,
    ports: ReadonlyMap<number, number>,
    links: ReadonlyMap<string, Link>,
  ) {
    this.#folder = folder;
    this.#ports = ports;
    this.#links = links;
  }

  /** Those that are ready. */
  get running(): ReadonlyMap<number, ServerProcess> {
    return this.#running;
  }

  /** Terms in which a node said that it leads. */
  get terms(): ReadonlySet<string> {
    const logs = [this.#earlier, ...[...this.#running.values()].map((server) => server.log())].join("\n");
    return new Set([...logs.matchAll(/raft\.leader .*role=leader term=(\d+)/g)].map(([, term]) => term!));
  }

  async run(id: number): Promise<void> {
    const others = NODE_IDS.filter((other) => other !== id);
    const peers = others.flatMap((to) => ["--peer", `${to}=127.0.0.1:${this.#links.get(`${id} ${to}`)!.port}`]);
    const listen = ["--peer-listen", `127.0.0.1:${this.#ports.get(id)}`, "--segment-bytes", "8MiB"];
    const server = await startServerProcess({
      dataDir: join(this.#folder.path, `node-${id}`),
      args: ["--node-id", `${id}`, "--cluster", "test", ...peers, ...listen],
      env: ENVIRONMENT,
    });
    this.#running.set(id, server);
  }

  async kill(id: number): Promise<void> {
    const server = this.#running.get(id)!;
    this.#running.delete(id);
    await server.kill();
    this.#earlier += server.log();
  }

  signal(id: number, signal: NodeJS.Signals): void {
    this.#running.get(id)?.process.kill(signal);
  }

  /** Links from and to a node. */
  linksOf(id: number, which: "from" | "to" | "both" = "both"): readonly Link[] {
    return [...this.#links].flatMap(([name, link]) => {
      const [from, to] = name.split(" ").map(Number);
      return (which !== "to" && from === id) || (which !== "from" && to === id) ? [link] : [];
    });
  }

  heal(): void {
    for (const link of this.#links.values()) link.heal();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#running.values()) await server.kill();
    for (const link of this.#links.values()) await link[Symbol.asyncDispose]();
    await this.#folder[Symbol.asyncDispose]();
  }
}
