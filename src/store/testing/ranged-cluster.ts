// A cluster whose keys are cut into ranges, on simulated machines: the root group on each of them, further groups on some,
// and on each a Store of all ranges.

import assert from "node:assert/strict";
import { type SimEnvOptions, SimMachine, SimScheduler } from "../../env/sim/index.ts";
import { MemoryNetwork, RaftHost } from "../../host/index.ts";
import { Log } from "../../log/index.ts";
import { EMPTY, utf8 } from "../../std/bytes.ts";
import { Prng } from "../../std/prng.ts";
import { encodeKeyBound } from "../key-codec.ts";
import { NO_TRANSACTION_BUGS, type TransactionBugs } from "../machine/prepared-bugs.ts";
import { KEYS_FROM } from "../machine/range-state.ts";
import { GroupCalls } from "../ranges/group-calls.ts";
import { GroupRouter, type GroupRouterSettings } from "../ranges/group-router.ts";
import { encodeGroupRow, groupAddress } from "../ranges/range-rows.ts";
import { RangeTable } from "../ranges/range-table.ts";
import { RangedStore } from "../ranges/ranged-store.ts";
import type { RemoteGroupOptions } from "../ranges/remote-group.ts";
import { openReplicatedStore } from "../replicated/open.ts";
import type { ReplicatedOptions } from "../replicated/options.ts";
import type { ReplicatedStore } from "../replicated/replicated-store.ts";
import { ROOT_GROUP } from "../tables.ts";
import { TRANSACTION_DEFAULTS, type TransactionOptions } from "../transactions/options.ts";
import { CallingTransport } from "./calling-transport.ts";
import { moveKeys } from "./move-keys.ts";

export interface RangedClusterOptions {
  readonly seed: number;
  readonly scheduler?: SimScheduler;
  readonly nodes: number;
  /** The members of each group but the root, from group 2 on. */
  readonly groups: readonly (readonly number[])[];
  readonly bugs?: TransactionBugs;
  readonly transactions?: Partial<TransactionOptions>;
  readonly store?: Partial<ReplicatedOptions>;
  readonly remote?: Partial<RemoteGroupOptions>;
  readonly movingMillisMax?: number;
  readonly sim?: Omit<SimEnvOptions, "seed" | "scheduler" | "label">;
  readonly segmentBytes?: number;
  readonly delayMillisMax?: number;
  /** Makes the router of a node's clients and leases, to disturb what goes through it. */
  readonly routerOf?: (settings: GroupRouterSettings) => GroupRouter;
}

const SEGMENT_BYTES = 8 * 1024 * 1024;

export class RangedCluster implements AsyncDisposable {
  readonly scheduler: SimScheduler;
  readonly network: MemoryNetwork;
  readonly nodes: readonly RangedNode[];
  readonly options: RangedClusterOptions;
  /** By id: the root group's is all nodes. */
  readonly members: ReadonlyMap<number, readonly number[]>;
  #transfers = 0;

  constructor(options: RangedClusterOptions) {
    const { scheduler = new SimScheduler(), delayMillisMax = 0.2, sim = {} } = options;
    const prng = new Prng(options.seed);
    this.options = options;
    this.scheduler = scheduler;
    this.network = new MemoryNetwork({
      after: (delayMillis, run) => scheduler.after(delayMillis, "network", run),
      endOfTurn: (run) => void scheduler.after(0.1 + prng.unit() * delayMillisMax, "network", run),
    });
    const ids = Array.from({ length: options.nodes }, (_, at) => at + 1);
    this.members = new Map([ids, ...options.groups].map((members, at) => [at + 1, members]));
    this.nodes = ids.map((id) => {
      const machine = new SimMachine({ ...sim, seed: prng.u32(), scheduler, label: `node ${id}` });
      return new RangedNode(id, machine, this);
    });
  }

  /** All open, and the keys cut at the names, in order: the root group has what is before the first. */
  static async start(options: RangedClusterOptions, cuts: readonly string[]): Promise<RangedCluster> {
    const cluster = new RangedCluster(options);
    await Promise.all(cluster.nodes.map((node) => node.open()));
    await cluster.begin(cuts);
    return cluster;
  }

  async begin(cuts: readonly string[]): Promise<void> {
    const { root } = this.nodes[0]!;
    const puts = [...this.members].map(([id, members]) => {
      const row = { id, state: "open" as const, nodes: members, members };
      return { ...groupAddress(id), value: encodeGroupRow(row) };
    });
    await root.commit({ puts });
    for (const [at, cut] of cuts.entries()) {
      const next = cuts[at + 1];
      await this.move(cut, next, { source: ROOT_GROUP, target: at + 2 });
    }
    for (const node of this.nodes) {
      await node.table.correct();
      await this.until(() => node.router.known().size === cuts.length + 1, "a node knows of all groups");
    }
  }

  /** The keys from one name up to another; undefined: from the first, or to the last. */
  async move(
    from: string | undefined,
    to: string | undefined,
    { source, target }: { readonly source: number; readonly target: number },
  ): Promise<void> {
    const transfer = ++this.#transfers;
    const interval = { from: from === undefined ? KEYS_FROM : bound(from), to: to === undefined ? EMPTY : bound(to) };
    const [node] = this.nodes;
    await moveKeys(node!, { transfer, attempt: 1, ...interval, source, target });
  }

  elapse(millis: number): Promise<void> {
    return new Promise((resolve) => void this.scheduler.after(millis, "test", resolve));
  }

  async until(holds: () => boolean, what: string, millisMax = 120_000): Promise<void> {
    const end = this.scheduler.nowMillis + millisMax;
    while (!holds()) {
      assert.ok(this.scheduler.nowMillis <= end, `${what}, in ${millisMax} ms`);
      await this.elapse(20);
    }
  }

  async reopenAll(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.close()));
    await Promise.all(this.nodes.map((node) => node.open()));
    await this.#allFollow();
  }

  async crashAll(): Promise<void> {
    for (const node of this.nodes) node.stop("power");
    await Promise.all(this.nodes.map((node) => node.open()));
    await this.#allFollow();
  }

  async #allFollow(): Promise<void> {
    await Promise.all(this.nodes.map(({ table }) => table.ready));
    for (const { router } of this.nodes) {
      await this.until(() => router.known().size === router.map.groups.size, "a node knows of all groups");
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.close()));
  }
}

/** One machine with what runs on it. */
export class RangedNode {
  readonly id: number;
  readonly machine: SimMachine;
  readonly groups: Map<number, ReplicatedStore> = new Map();
  readonly #cluster: RangedCluster;
  #env: SimMachine["env"];
  #parts: AsyncDisposableStack | undefined;
  #store: RangedStore | undefined;
  #router: GroupRouter | undefined;
  #table: RangeTable | undefined;
  failure: Error | undefined;
  isOpen = false;

  constructor(id: number, machine: SimMachine, cluster: RangedCluster) {
    this.id = id;
    this.machine = machine;
    this.#cluster = cluster;
    this.#env = machine.env;
  }

  /** Of the last start, like the others. */
  get store(): RangedStore {
    return this.#store!;
  }

  get router(): GroupRouter {
    return this.#router!;
  }

  get table(): RangeTable {
    return this.#table!;
  }

  get root(): ReplicatedStore {
    return this.groups.get(ROOT_GROUP)!;
  }

  get env(): SimMachine["env"] {
    return this.#env;
  }

  async open(): Promise<void> {
    const env = this.#env;
    const { options, network, members } = this.#cluster;
    const onFatal = (error: unknown): void => void (this.failure ??= error as Error);
    this.failure = undefined;
    const parts = new AsyncDisposableStack();
    const log = await Log.open(env, {
      options: { segmentBytes: options.segmentBytes ?? SEGMENT_BYTES },
      onFatal: () => {},
    });
    parts.defer(() => log.close());
    const transport = new CallingTransport(network.join(this.id), env.timers, () => this.#env === env);
    const host = parts.use(await RaftHost.start({ nodeId: this.id, env, log, onFatal, transport }));
    const calls = new GroupCalls(transport, env.timers);
    const routing = { env, calls, ...(options.remote && { options: options.remote }) };
    const calm = new GroupRouter(routing);
    const router = options.routerOf?.(routing) ?? calm;
    const groups = new Map<number, ReplicatedStore>();
    const transactions = { ...TRANSACTION_DEFAULTS, ...options.transactions };
    const bugs = options.bugs ?? NO_TRANSACTION_BUGS;
    await Promise.all(
      [...members].map(async ([group, voters]) => {
        if (!voters.includes(this.id)) return;
        const store = await openReplicatedStore({
          ...{ env, bugs, calls, participants: calm, leaseGroups: router },
          options: {
            ...{ ...options.store, beginsEmpty: group !== ROOT_GROUP, transactions },
            ...{ group, index: `index-${group}`, folder: `store-${group}` },
          },
          openGroup: (machine, committedAtLeast) =>
            host.openGroup({ id: group, machine, committedAtLeast, founders: { voters } }),
        });
        groups.set(group, parts.use(store));
      }),
    );
    if (env !== this.#env) return;
    const root = groups.get(ROOT_GROUP)!;
    const table = parts.use(new RangeTable({ root, timers: env.timers, onError: onFatal }));
    for (const one of new Set([calm, router])) one.begin({ table, local: (group) => groups.get(group) });
    const { movingMillisMax } = options;
    const settings = { transactions, ...(movingMillisMax && { movingMillisMax }) };
    this.groups.clear();
    for (const [group, store] of groups) this.groups.set(group, store);
    this.#store = parts.use(new RangedStore({ env, root, router, bugs, options: settings }));
    this.#router = router;
    this.#table = table;
    this.#parts = parts;
    this.isOpen = true;
  }

  /** Its power fails, or only its process ends; `open` starts it again. */
  stop(how: "power" | "process"): void {
    this.isOpen = false;
    if (how === "power") this.machine.crash();
    else this.machine.kill();
    this.#env = this.machine.restart();
  }

  async close(): Promise<void> {
    this.isOpen = false;
    await this.#parts?.disposeAsync();
  }
}

function bound(name: string): Uint8Array {
  return encodeKeyBound(utf8(name));
}
