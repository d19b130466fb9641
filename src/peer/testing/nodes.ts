import type { Connection, ConnectionHandlers, MutualTls } from "../../env/index.ts";
import {
  createSimEnv,
  type LinkFaults,
  SimLinks,
  type SimMachine,
  SimNetwork,
  SimScheduler,
} from "../../env/sim/index.ts";
import { concatBytes, text, utf8 } from "../../std/bytes.ts";
import { Prng } from "../../std/prng.ts";
import {
  type Admits,
  type CallLimits,
  type PeerAddress,
  type PeerEvent,
  type PeerLimits,
  PeerTransport,
} from "../index.ts";

const PORT = 9200;

/** A node with a transport and nothing else, and what has happened to it. */
export interface PeerNode {
  readonly id: number;
  readonly machine: SimMachine;
  transport: PeerTransport;
  readonly events: PeerEvent[];
  readonly received: { readonly from: number; readonly frame: Uint8Array }[];
  readonly unreachable: number[];
  /** The frames from one node as texts. */
  texts(from: number): string[];
  /** One after a crash. */
  restart(): Promise<void>;
}

export interface PeerWorldOptions {
  readonly seed?: number;
  readonly faults?: Partial<LinkFaults>;
  readonly limits?: Partial<PeerLimits>;
  readonly callLimits?: Partial<CallLimits>;
  readonly tls?: MutualTls;
  readonly certificateNames?: (id: number) => readonly string[];
  readonly cluster?: (id: number) => string;
  readonly start?: (id: number) => number;
  readonly admits?: Admits;
  readonly takesStrangers?: boolean;
  readonly windowBytes?: number;
}

/** Nodes on a simulated network. */
export class PeerWorld {
  readonly scheduler: SimScheduler = new SimScheduler();
  readonly links: SimLinks;
  readonly network: SimNetwork;
  readonly nodes: PeerNode[] = [];
  readonly #prng: Prng;
  readonly #options: PeerWorldOptions;

  constructor(options: PeerWorldOptions = {}) {
    this.#prng = new Prng(options.seed ?? 1);
    this.#options = options;
    this.links = new SimLinks(this.#prng.fork(), options.faults);
    const { windowBytes } = options;
    const networkOptions = windowBytes === undefined ? {} : { windowBytes };
    this.network = new SimNetwork(this.scheduler, this.links, this.#prng.fork(), networkOptions);
  }

  static async start(count: number, options: PeerWorldOptions = {}): Promise<PeerWorld> {
    const world = new PeerWorld(options);
    const ids = Array.from({ length: count }, (_, at) => at + 1);
    for (const id of ids) await world.add(id, ids);
    return world;
  }

  async add(id: number, peers: readonly number[]): Promise<PeerNode> {
    const { certificateNames } = this.#options;
    const machine = createSimEnv({
      seed: this.#prng.u32(),
      scheduler: this.scheduler,
      network: this.network,
      label: `n${id}`,
      certificateNames: certificateNames?.(id) ?? [`node-${id}`],
    });
    const received: PeerNode["received"] = [];
    const node: PeerNode = {
      id,
      machine,
      transport: await this.#transport(machine, id, peers, () => node),
      events: [],
      received,
      unreachable: [],
      texts: (from) => received.filter((one) => one.from === from).map(({ frame }) => text(frame)),
      restart: async () => {
        machine.restart();
        node.transport = await this.#transport(machine, id, peers, () => node);
        await this.#start(node);
      },
    };
    this.nodes.push(node);
    await this.#start(node);
    return node;
  }

  node(id: number): PeerNode {
    return this.nodes.find((node) => node.id === id)!;
  }

  run(millis: number): Promise<void> {
    return this.scheduler.run(this.scheduler.nowMillis + millis);
  }

  async close(): Promise<void> {
    for (const { transport } of this.nodes) await transport[Symbol.asyncDispose]();
    await this.scheduler.run();
  }

  #transport(machine: SimMachine, id: number, peers: readonly number[], node: () => PeerNode): Promise<PeerTransport> {
    const { cluster, start, admits, takesStrangers = false, tls, limits, callLimits } = this.#options;
    return this.scheduler.settle(
      PeerTransport.listen({
        env: machine.env,
        nodeId: id,
        cluster: cluster?.(id) ?? "test",
        start: start?.(id) ?? 0,
        takesStrangers,
        ...(admits !== undefined && { admits }),
        listen: { host: "0.0.0.0", port: PORT },
        peers: addresses(peers),
        tls,
        ...(limits !== undefined && { limits }),
        ...(callLimits !== undefined && { callLimits }),
        event: (event) => node().events.push(event),
      }),
    );
  }

  #start(node: PeerNode): Promise<void> {
    return this.scheduler.settle(
      node.transport.start({
        receive: (from, frame) => node.received.push({ from, frame }),
        unreachable: (id) => node.unreachable.push(id),
      }),
    );
  }
}

export function addresses(ids: readonly number[]): Map<number, PeerAddress> {
  return new Map(ids.map((id) => [id, { host: `n${id}`, port: PORT }]));
}

/** Somebody who speaks by hand, and hears. */
export class Stranger implements ConnectionHandlers {
  readonly connection: Connection;
  readonly #chunks: Uint8Array[] = [];
  isOver = false;

  private constructor(connection: Connection) {
    this.connection = connection;
    connection.begin(this);
  }

  static async connect(world: PeerWorld, to: number): Promise<Stranger> {
    const { env } = createSimEnv({ seed: 1, scheduler: world.scheduler, network: world.network, label: "stranger" });
    const target = { host: `n${to}`, port: PORT, timeoutMillis: 1_000 };
    return new Stranger(await world.scheduler.settle(env.network.connect(target)));
  }

  get heard(): Uint8Array {
    return concatBytes(this.#chunks);
  }

  say(words: string | Uint8Array): void {
    this.connection.send(typeof words === "string" ? utf8(words) : words);
  }

  data(bytes: Uint8Array): void {
    this.#chunks.push(bytes.slice());
  }

  ended(): void {
    this.isOver = true;
  }

  closed(): void {
    this.isOver = true;
  }
}
