import { join } from "node:path";
import { freePort } from "../../testing/free-port.ts";
import { type ServerProcess, startServerProcess, temporaryFolder } from "../../testing/server-process.ts";
import { beginDataDirectory } from "../data-directory.ts";
import { untilCanLose } from "./cluster-status.ts";
import { Link } from "./link.ts";

export const NODE_IDS: readonly number[] = [1, 2, 3];

export interface StartOptions {
  /** Of every node, beyond what makes it one of the cluster. */
  readonly args?: readonly string[];
  readonly ids?: readonly number[];
  readonly prepare?: (dataDir: string) => Promise<void>;
}

/** Real servers that are one cluster, whose links go through proxies of the test. */
export class ServerNodes implements AsyncDisposable {
  readonly ids: readonly number[];
  readonly #folder: Awaited<ReturnType<typeof temporaryFolder>>;
  readonly #ports: ReadonlyMap<number, number>;
  /** By sender and receiver, as in `1 2`. */
  readonly #links: ReadonlyMap<string, Link>;
  readonly #joinToken: string;
  readonly #args: readonly string[];
  readonly #running = new Map<number, ServerProcess>();
  /** What servers that are gone had logged. */
  #earlier = "";

  /**
   * The numbers from 1 on: they join in this order. `prepare` may use the first one's data directory before it becomes a node's of
   * a cluster.
   */
  static async start({ ids = NODE_IDS, prepare = async () => {}, args = [] }: StartOptions = {}): Promise<ServerNodes> {
    const ports = new Map<number, number>();
    for (const id of ids) ports.set(id, await freePort());
    const links = new Map<string, Link>();
    for (const from of ids) {
      for (const to of ids) if (from !== to) links.set(`${from} ${to}`, await Link.to(ports.get(to)!));
    }
    const folder = await temporaryFolder("cluster");
    const first = { dataDirectory: join(folder.path, "node-1"), name: "test", zone: "", tls: true };
    await prepare(first.dataDirectory);
    const nodes = new ServerNodes(folder, ports, links, await beginDataDirectory(first), args);
    try {
      // In this order they get these numbers.
      for (const id of ids) await nodes.run(id);
      await untilCanLose(nodes.running.get(1)!, nodes.minority);
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
    joinToken: string,
    args: readonly string[],
  ) {
    this.#args = args;
    this.ids = [...ports.keys()];
    this.#folder = folder;
    this.#ports = ports;
    this.#links = links;
    this.#joinToken = joinToken;
  }

  /** Those that are ready. */
  get running(): ReadonlyMap<number, ServerProcess> {
    return this.#running;
  }

  /** The most of them that may fail at once. */
  get minority(): number {
    return Math.floor((this.ids.length - 1) / 2);
  }

  /** Terms in which a node said that it leads. */
  get terms(): ReadonlySet<number> {
    const logs = [this.#earlier, ...[...this.#running.values()].map((server) => server.log())];
    return new Set(logs.flatMap(ledTerms));
  }

  /** Of those that run, the one that said last that it leads. */
  get leader(): number | undefined {
    const lastTerms = [...this.#running].map(([id, server]) => [id, Math.max(0, ...ledTerms(server.log()))] as const);
    const [last] = lastTerms.filter(([, term]) => term > 0).sort(([, left], [, right]) => right - left);
    return last?.[0];
  }

  dataDirOf(id: number): string {
    return join(this.#folder.path, `node-${id}`);
  }

  /** What `ashlar serve` is told of the cluster. */
  argsOf(id: number): readonly string[] {
    const others = this.ids.filter((other) => other !== id);
    const peers = others.flatMap((to) => ["--peer", `${to}=127.0.0.1:${this.#links.get(`${id} ${to}`)!.port}`]);
    const listen = ["--peer-listen", `127.0.0.1:${this.#ports.get(id)}`, "--segment-bytes", "8MiB"];
    const joining = id === 1 ? [] : ["--join", `127.0.0.1:${this.#ports.get(1)}`];
    return [...joining, ...peers, ...listen, ...this.#args];
  }

  environmentOf(id: number): Readonly<Record<string, string>> {
    return id === 1 ? {} : { ASHLAR_JOIN_TOKEN: this.#joinToken };
  }

  async run(id: number): Promise<void> {
    const env = this.environmentOf(id);
    this.#running.set(id, await startServerProcess({ dataDir: this.dataDirOf(id), args: this.argsOf(id), env }));
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

  /** Links between these nodes and the others. */
  linksOf(side: readonly number[], which: "from" | "to" | "both" = "both"): readonly Link[] {
    return [...this.#links].flatMap(([name, link]) => {
      const [from, to] = name.split(" ").map((id) => side.includes(Number(id)));
      return from !== to && (which === "both" || (which === "from" ? from : to)) ? [link] : [];
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

function ledTerms(log: string): number[] {
  return [...log.matchAll(/raft\.leader .*role=leader term=(\d+)/g)].map(([, term]) => Number(term));
}
