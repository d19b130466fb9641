import type { SimDiskOptions } from "../../env/sim/index.ts";
import { createSimEnv, SimLinks, type SimMachine, SimNetwork, SimScheduler } from "../../env/sim/index.ts";
import { PeerTransport } from "../../peer/index.ts";
import { compareBytes, utf8 } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { Prng } from "../../std/prng.ts";
import { collect, sourceOf } from "../../std/source.ts";
import { type Store, TABLES } from "../../store/index.ts";
import { deterministicBytes } from "../../testing/deterministic-bytes.ts";
import { MemoryRows, MemoryStore } from "../../testing/memory-store.ts";
import {
  type BlobBug,
  type BlobEvent,
  type BlobNode,
  type BlobOptions,
  type BlobRef,
  type LocalBlobs,
  openBlobs,
  type References,
} from "../index.ts";
import { decodeVolumeRow, type VolumeRow, volumeOfKey } from "../volume-row.ts";
import { lengthOf, refsOf, SMALL } from "./world.ts";

const PORT = 9200;
const NOISE_BYTES_MAX = 2_097_152;

export interface ClusterWorldOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly options?: Partial<BlobOptions>;
  readonly disk?: Partial<SimDiskOptions>;
  /** Sizes of the disks by node, from the first on. */
  readonly diskBytes?: readonly number[];
  readonly bugs?: readonly BlobBug[];
  readonly unknownChance?: number;
  readonly storeMillis?: readonly [number, number];
  /** Zones by node, from the first on. */
  readonly zones?: readonly string[];
}

/** Small, and quick to give up on a node. */
export const QUICK: Partial<BlobOptions> = {
  ...SMALL,
  // Longer than any pause: who refers to a needle after that is too late.
  referenceMillisMax: 15_000,
  replicaLagMillisMax: 400,
  takeoverAfterMillis: 2000,
  hedgeMillis: 20,
  remoteReadMillisMax: 2000,
};

/** One machine of the cluster, and the process on it. */
export class ClusterNode {
  readonly id: number;
  readonly machine: SimMachine;
  readonly events: BlobEvent[] = [];
  readonly fatal: Error[] = [];
  store!: Store;
  transport!: PeerTransport;
  /** Undefined while it starts. */
  blobs: LocalBlobs | undefined;
  /** The Store and the other nodes do not hear it. */
  isCut = false;
  /** Of the cluster, not of the process: as an operator would say it. */
  state: "active" | "draining" | "removed" = "active";
  /** Its process knows of no node, not of itself either: its own copy of the rows of nodes is still to come. */
  hasHeardOfNobody = false;
  life = 0;

  constructor(id: number, machine: SimMachine) {
    this.id = id;
    this.machine = machine;
  }
}

/** Nodes with volumes over one Store that never fails, on a simulated network. */
export class ClusterWorld {
  readonly scheduler: SimScheduler = new SimScheduler();
  readonly links: SimLinks;
  readonly rows: MemoryRows = new MemoryRows();
  readonly nodes: ClusterNode[] = [];
  readonly #prng: Prng;
  readonly #noise: Uint8Array;
  readonly #world: ClusterWorldOptions;
  #bodies = 0;

  private constructor(world: ClusterWorldOptions) {
    this.#world = world;
    this.#prng = new Prng(world.seed ^ 0x2545f491);
    this.#noise = deterministicBytes(world.seed, 65_536 + NOISE_BYTES_MAX);
    this.links = new SimLinks(this.#prng.fork());
    const network = new SimNetwork(this.scheduler, this.links, this.#prng.fork());
    for (let id = 1; id <= world.nodes; id++) {
      const names = { label: `n${id}`, certificateNames: [`node-${id}`] };
      const bytesMax = world.diskBytes?.[id - 1];
      const disk = { ...world.disk, ...(bytesMax !== undefined && { bytesMax }) };
      const parts = { scheduler: this.scheduler, network, disk };
      this.nodes.push(new ClusterNode(id, createSimEnv({ seed: this.#prng.u32(), ...names, ...parts })));
    }
  }

  static async open(options: ClusterWorldOptions): Promise<ClusterWorld> {
    const world = new ClusterWorld(options);
    await world.settle(Promise.all(world.nodes.map((node) => world.start(node))));
    return world;
  }

  settle<T>(promise: Promise<T>): Promise<T> {
    return this.scheduler.settle(promise);
  }

  run(millis: number): Promise<void> {
    return this.scheduler.run(this.scheduler.nowMillis + millis);
  }

  node(id: number): ClusterNode {
    return this.nodes[id - 1]!;
  }

  /** A process begins on the machine. Rejects where the disk lets it down. */
  async start(node: ClusterNode): Promise<void> {
    const { machine, id } = node;
    const life = ++node.life;
    const { unknownChance = 0, storeMillis = [0.1, 2] } = this.#world;
    const faults = { timers: machine.env.timers, prng: this.#prng.fork(), delayMillis: storeMillis, unknownChance };
    node.store = new MemoryStore(this.rows, { ...faults, isCut: () => node.isCut });
    const transport = await PeerTransport.listen({
      ...{ env: machine.env, nodeId: id, cluster: "test", start: 0 },
      listen: { host: "0.0.0.0", port: PORT },
      peers: new Map(this.nodes.map((other) => [other.id, { host: `n${other.id}`, port: PORT }])),
    });
    await transport.start({ receive: () => {}, unreachable: () => {} });
    node.transport = transport;
    for (;;) {
      try {
        const blobs = await this.#openBlobs(node, transport);
        if (node.life === life) node.blobs = blobs;
        return;
      } catch (error) {
        if (!hasCode(error, "NO_LEADER") && !hasCode(error, "OUTCOME_UNKNOWN")) throw error;
        await new Promise<void>((resolve) => void machine.env.timers.after(100, resolve));
      }
    }
  }

  /** The process ends, and with power what was not synced. */
  stop(node: ClusterNode, how: "crash" | "kill"): void {
    node.life++;
    node.blobs = undefined;
    node.fatal.length = 0;
    if (node.machine.isRunning) node.machine[how]();
  }

  /** A new process on a machine on which none runs. */
  async restart(node: ClusterNode): Promise<void> {
    for (;;) {
      node.machine.restart();
      try {
        await this.settle(this.start(node));
        return;
      } catch (error) {
        if (!hasCode(error, "DISK_FAILED")) throw error;
        this.stop(node, "kill");
      }
    }
  }

  /** Neither the Store nor the others are reached. */
  cut(node: ClusterNode): void {
    node.isCut = true;
    this.links.isolate(`n${node.id}`);
  }

  heal(): void {
    for (const node of this.nodes) node.isCut = false;
    this.links.heal();
  }

  async close(): Promise<void> {
    for (const { blobs, transport } of this.nodes) {
      await this.settle(Promise.resolve(blobs?.[Symbol.asyncDispose]()));
      await this.settle(Promise.resolve(transport[Symbol.asyncDispose]()));
    }
  }

  /** Replaces the row through that node. False on a conflict. */
  async commitRow(node: ClusterNode, owner: string, refs: readonly BlobRef[] | undefined): Promise<boolean> {
    const { store } = node;
    const blobs = node.blobs!;
    const address = { table: TABLES.object, key: utf8(owner), suffix: utf8("") };
    const { row } = await store.get(address);
    const dropped = row === undefined ? [] : refsOf(row);
    const result = await store.commit({
      checks: [
        row === undefined ? { ...address, absent: true } : { ...address, revision: row.revision },
        ...blobs.referenceChecks(address.key, refs ?? []),
      ],
      puts: [
        ...(refs === undefined ? [] : [{ ...address, value: utf8(JSON.stringify(refs)) }]),
        ...blobs.dropRows(address.key, dropped),
      ],
      deletes: refs === undefined ? [address] : [],
    });
    return result.committed;
  }

  async refs(node: ClusterNode, owner: string): Promise<readonly BlobRef[] | undefined> {
    const { row } = await node.store.get({ table: TABLES.object, key: utf8(owner), suffix: utf8("") });
    return row && refsOf(row);
  }

  async put(node: ClusterNode, owner: string, bytes: Uint8Array): Promise<readonly BlobRef[]> {
    using appended = await node.blobs!.append(utf8(owner), sourceOf(bytes), bytes.length);
    await this.commitRow(node, owner, appended.refs);
    return appended.refs;
  }

  async read(node: ClusterNode, refs: readonly BlobRef[]): Promise<Uint8Array> {
    return (await collect(node.blobs!.read(refs, 0, lengthOf(refs)), lengthOf(refs)))!;
  }

  /** As the Store has them. */
  volumes(): ReadonlyMap<number, VolumeRow> {
    const rows = this.rows.rowsOf(TABLES.volume).filter(({ key }) => volumeOfKey(key) !== 0);
    return new Map(rows.map(({ key, value }) => [volumeOfKey(key), decodeVolumeRow(volumeOfKey(key), value)]));
  }

  /** Bytes that no other call returns, not even in part. */
  bytes(length: number): Uint8Array {
    const from = this.#prng.below(65_536);
    const bytes = this.#noise.slice(from, from + length);
    const view = new DataView(bytes.buffer);
    this.#bodies++;
    for (let at = 0; at + 4 <= length; at += 1024) view.setUint32(at, this.#bodies);
    return bytes;
  }

  #openBlobs(node: ClusterNode, transport: PeerTransport): Promise<LocalBlobs> {
    const { id, machine, store } = node;
    const { zones = [] } = this.#world;
    const rowOf = (one: ClusterNode): BlobNode => ({ id: one.id, zone: zones[one.id - 1] ?? "", state: one.state });
    const references: References = {
      named: async (key, needles) => {
        const page = await store.scan(TABLES.object, { from: { key } }, { limit: 1000 });
        const rows = page.rows.filter((row) => compareBytes(row.key, key) === 0);
        const refs = rows.flatMap(refsOf);
        return needles.map(({ volume, needle }) => refs.some((ref) => ref.volume === volume && ref.needle === needle));
      },
    };
    return openBlobs({
      ...{ env: machine.env, store, references, node: String(id) },
      cluster: {
        transport,
        nodes: () => (node.hasHeardOfNobody ? [] : this.nodes.map(rowOf)),
      },
      options: { ...QUICK, ...this.#world.options },
      onEvent: (event) => node.events.push(event),
      onFatal: (error) => node.fatal.push(error),
      bugs: new Set(this.#world.bugs),
    });
  }
}
