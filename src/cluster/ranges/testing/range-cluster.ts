// Simulated machines that share a root group, each with its part in what is cut into ranges: logs, hosts, Stores and
// calls between nodes are those of a server; only membership is made short, by rows.

import assert from "node:assert/strict";
import { type SimEnvOptions, SimMachine, SimScheduler } from "../../../env/sim/index.ts";
import { type HostedGroup, MemoryNetwork, RaftHost } from "../../../host/index.ts";
import { Log } from "../../../log/index.ts";
import { Prng } from "../../../std/prng.ts";
import {
  type CommandResult,
  GroupCalls,
  GroupRouter,
  openReplicatedStore,
  RangedStore,
  RangeTable,
  type ReplicatedOptions,
  type ReplicatedStore,
  ROOT_GROUP,
  type Store,
} from "../../../store/index.ts";
import { CallingTransport } from "../../../store/testing/calling-transport.ts";
import { encodeNodeRow, type NodeState, nodeAddress } from "../../node-row.ts";
import { NodeTable } from "../../node-table.ts";
import { pause } from "../../pause.ts";
import { Reconfigurer } from "../../reconfigurer.ts";
import { nodeRow } from "../../testing/rows.ts";
import type { GroupKeeperEvent } from "../group-keeper.ts";
import type { MoverEvent } from "../mover.ts";
import { type RangeOptions, Ranges } from "../ranges.ts";
import type { RangeBugs } from "../seeded-bugs.ts";

export interface RangeClusterOptions {
  readonly seed: number;
  /** Found the root group. */
  readonly founders: number;
  /** Machines that can join. */
  readonly spares?: number;
  readonly ranges?: Partial<RangeOptions>;
  readonly store?: Partial<ReplicatedOptions>;
  readonly bugs?: RangeBugs;
  readonly onEvent?: (node: RangeNode, event: GroupKeeperEvent | MoverEvent) => void;
  readonly delayMillisMax?: number;
  readonly sim?: Omit<SimEnvOptions, "seed" | "scheduler" | "label">;
}

const SEGMENT_BYTES = 65_536;
const VIEW_METHOD = 4;

export const TEST_RANGES: RangeOptions = {
  rangeBytesMax: 0,
  transferBytesPerSecond: 4_000,
  pageLimits: { rowsMax: 3, bytesMax: 500 },
  foundingMillisMax: 20_000,
  retireAfterMillis: 2_000,
  balanceMillis: 1_000,
};

export class RangeCluster {
  readonly scheduler: SimScheduler = new SimScheduler();
  readonly network: MemoryNetwork;
  readonly nodes: readonly RangeNode[];
  readonly errors: unknown[] = [];
  /** Groups that were damaged on a node, and came back from others. */
  readonly heard: string[] = [];
  readonly options: RangeClusterOptions;

  constructor(options: RangeClusterOptions) {
    const prng = new Prng(options.seed);
    const { scheduler } = this;
    this.options = options;
    this.network = new MemoryNetwork({
      after: (delayMillis, run) => scheduler.after(delayMillis, "network", run),
      endOfTurn: (run) => void scheduler.after(0.1 + prng.unit() * (options.delayMillisMax ?? 0.2), "network", run),
    });
    const founders = Array.from({ length: options.founders }, (_, at) => at + 1);
    const all = Array.from({ length: options.founders + (options.spares ?? 0) }, (_, at) => at + 1);
    this.nodes = all.map((id) => {
      const machine = new SimMachine({ ...options.sim, seed: prng.u32(), scheduler, label: `node ${id}` });
      return new RangeNode(id, founders, machine, this);
    });
  }

  get open(): readonly RangeNode[] {
    return this.nodes.filter(({ isOpen }) => isOpen);
  }

  node(id: number): RangeNode {
    return this.nodes[id - 1]!;
  }

  /** Opens the founders and writes their rows. */
  async begin(): Promise<void> {
    const founders = this.nodes.slice(0, this.options.founders);
    await Promise.all(founders.map((node) => node.open()));
    const rows = founders.map(({ id }) => ({ ...nodeAddress(id), value: encodeNodeRow(nodeRow(id)) }));
    await this.persist(async () => void (await founders[0]!.root.commit({ puts: rows })));
  }

  /** A node of the spares comes. */
  async join(id: number): Promise<void> {
    await this.setState(id, "active");
    await this.node(id).open();
  }

  setState(id: number, state: NodeState): Promise<void> {
    return this.setStates([[id, state]]);
  }

  setStates(states: readonly (readonly [id: number, state: NodeState])[]): Promise<void> {
    const puts = states.map(([id, state]) => ({ ...nodeAddress(id), value: encodeNodeRow(nodeRow(id, { state })) }));
    return this.persist(async (root) => void (await root.commit({ puts })));
  }

  /** Tried on one open node after the other, until it goes through. */
  async persist<T>(work: (root: Store) => Promise<T>, triesMax = 200): Promise<T> {
    for (let turn = 0; ; turn++) {
      const node = this.open[turn % this.open.length];
      try {
        if (node !== undefined) return await this.within(work(node.root), 10_000);
      } catch (error) {
        if (turn >= triesMax) throw error;
      }
      await this.elapse(200);
    }
  }

  /** A call to a node that is gone never ends. */
  within<T>(call: Promise<T>, millisMax: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = this.scheduler.after(millisMax, "test", () => reject(new Error("no answer came")));
      call.finally(() => timer.cancel()).then(resolve, reject);
    });
  }

  elapse(millis: number): Promise<void> {
    return new Promise((resolve) => void this.scheduler.after(millis, "test", resolve));
  }

  async until(holds: () => boolean | Promise<boolean>, what: string, millisMax = 120_000): Promise<void> {
    const end = this.scheduler.nowMillis + millisMax;
    while (!(await holds())) {
      assert.ok(this.scheduler.nowMillis <= end, `${what}, in ${millisMax} ms`);
      await this.elapse(100);
    }
  }

  async close(): Promise<void> {
    for (const node of this.nodes) await node.close();
  }
}

export class RangeNode {
  readonly id: number;
  readonly machine: SimMachine;
  readonly #founders: readonly number[];
  readonly #cluster: RangeCluster;
  #env: SimMachine["env"];
  #parts: AsyncDisposableStack | undefined;
  #root: ReplicatedStore | undefined;
  #group: HostedGroup<CommandResult> | undefined;
  #ranges: Ranges | undefined;
  #router: GroupRouter | undefined;
  #store: RangedStore | undefined;
  #table: NodeTable | undefined;
  failure: Error | undefined;
  isOpen = false;
  /** It was opened once. */
  isBegun = false;

  constructor(id: number, founders: readonly number[], machine: SimMachine, cluster: RangeCluster) {
    this.id = id;
    this.machine = machine;
    this.#founders = founders;
    this.#cluster = cluster;
    this.#env = machine.env;
  }

  /** Of one start of the node. */
  get root(): ReplicatedStore {
    return this.#root!;
  }

  /** Of all ranges. */
  get store(): RangedStore {
    return this.#store!;
  }

  get router(): GroupRouter {
    return this.#router!;
  }

  get ranges(): Ranges {
    return this.#ranges!;
  }

  get table(): NodeTable {
    return this.#table!;
  }

  get leadsRoot(): boolean {
    return this.isOpen && this.#group!.isLeader;
  }

  get disk(): SimMachine["env"]["disk"] {
    return this.#env.disk;
  }

  async open(): Promise<void> {
    this.isBegun = true;
    const env = this.#env;
    const { options } = this.#cluster;
    const onFatal = (error: Error): void => void (this.failure ??= error);
    const onError = (error: unknown): void => void this.#cluster.errors.push(error);
    const parts = new AsyncDisposableStack();
    this.failure = undefined;
    const log = await Log.open(env, { options: { segmentBytes: SEGMENT_BYTES }, onFatal: () => {} });
    parts.defer(() => log.close());
    const transport = new CallingTransport(this.#cluster.network.join(this.id), env.timers, () => env === this.#env);
    parts.use(transport);
    const host = parts.use(await RaftHost.start({ nodeId: this.id, env, log, onFatal, transport }));
    const calls = new GroupCalls(transport, env.timers);
    const router = new GroupRouter({ env, calls });
    const founders = this.#founders.includes(this.id) ? { founders: { voters: this.#founders } } : {};
    let group: HostedGroup<CommandResult> | undefined;
    const root = parts.use(
      await openReplicatedStore({
        ...{ env, calls, options: options.store ?? {}, participants: router, leaseGroups: router },
        openGroup: async (machine, committedAtLeast) => {
          group = await host.openGroup({ id: ROOT_GROUP, machine, committedAtLeast, ...founders });
          return group;
        },
      }),
    );
    const rangeTable = parts.use(new RangeTable({ root, timers: env.timers, onError }));
    let ranges: Ranges | undefined;
    router.begin({ table: rangeTable, local: (id) => (id === ROOT_GROUP ? root : ranges?.local(id)) });
    const table = new NodeTable({
      ...{ store: root, onChange: () => {}, onError },
      pause: (millis, signal) => pause(env.timers, millis, signal),
    });
    parts.use(table);
    const nodes = { all: () => table.all(), get: (id: number) => table.get(id) } as NodeTable;
    parts.use(
      new Reconfigurer({
        ...{ env, store: root, nodes, group: group!, nodeId: this.id, onError },
        introduce: () => {},
        dismiss: () => {},
      }),
    );
    ranges = parts.use(
      await Ranges.open({
        ...{ env, host, nodeId: this.id, root, group: group!, calls, transport, viewMethod: VIEW_METHOD, onError },
        ...{ router, table: rangeTable },
        ...{ nodes: () => table.all(), options: { ...TEST_RANGES, ...options.ranges }, bugs: options.bugs },
        ...(options.store && { store: options.store }),
        onEvent: (event) => {
          if (event.kind === "refetched") this.#cluster.heard.push(event.kind);
          if (env === this.#env) options.onEvent?.(this, event);
        },
      }),
    );
    const store = parts.use(new RangedStore({ env, root, router }));
    if (env !== this.#env) return;
    this.#store = store;
    this.#router = router;
    this.#root = root;
    this.#group = group;
    this.#ranges = ranges;
    this.#table = table;
    this.#parts = parts;
    this.isOpen = true;
  }

  /** Its power fails, or only its process ends; `open` starts it again. */
  stop(how: "power" | "process"): void {
    this.isOpen = false;
    this.#parts = undefined;
    if (how === "power") this.machine.crash();
    else this.machine.kill();
    this.#env = this.machine.restart();
  }

  async close(): Promise<void> {
    this.isOpen = false;
    await this.#parts?.disposeAsync();
    this.#parts = undefined;
  }
}
