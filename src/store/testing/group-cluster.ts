// Several groups on each of some simulated machines, with a coordinator on each: what a cluster whose key space was cut
// looks like to commits over several groups.

import assert from "node:assert/strict";
import { type SimEnvOptions, SimMachine, SimScheduler } from "../../env/sim/index.ts";
import { MemoryNetwork, RaftHost } from "../../host/index.ts";
import { Log } from "../../log/index.ts";
import { text } from "../../std/bytes.ts";
import { Prng } from "../../std/prng.ts";
import { decodeAddress } from "../key-codec.ts";
import type { TransactionBugs } from "../machine/prepared-bugs.ts";
import { openReplicatedStore } from "../replicated/open.ts";
import type { ReplicatedOptions } from "../replicated/options.ts";
import type { ReplicatedStore } from "../replicated/replicated-store.ts";
import { Coordinator } from "../transactions/coordinator.ts";
import type { TransactionOptions } from "../transactions/options.ts";
import type { Participant, Participants } from "../transactions/participant.ts";

export interface GroupClusterOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly groups: number;
  readonly bugs: TransactionBugs;
  readonly transactions: TransactionOptions;
  readonly store?: Partial<ReplicatedOptions>;
  /** Group 1 begins with all keys and the others with none; else each has all. */
  readonly oneServes?: boolean;
  readonly sim?: Omit<SimEnvOptions, "seed" | "scheduler" | "label">;
  readonly delayMillisMax: number;
  /** Stands between a coordinator and a group. */
  readonly wrap?: (participant: Participant) => Participant;
}

const SEGMENT_BYTES = 65_536;

/** Keys end in a number; they go round the groups by it. */
export function groupOf(key: Uint8Array, groups: number): number {
  return (Number(/\d+$/.exec(text(key))![0]) % groups) + 1;
}

export class GroupCluster {
  readonly scheduler: SimScheduler = new SimScheduler();
  readonly network: MemoryNetwork;
  readonly nodes: readonly GroupNode[];
  readonly groups: readonly number[];

  constructor(options: GroupClusterOptions) {
    const prng = new Prng(options.seed);
    const { scheduler } = this;
    this.network = new MemoryNetwork({
      after: (delayMillis, run) => scheduler.after(delayMillis, "network", run),
      endOfTurn: (run) => void scheduler.after(0.1 + prng.unit() * options.delayMillisMax, "network", run),
    });
    this.groups = Array.from({ length: options.groups }, (_, at) => at + 1);
    const ids = Array.from({ length: options.nodes }, (_, at) => at + 1);
    this.nodes = ids.map((id) => {
      const machine = new SimMachine({ ...options.sim, seed: prng.u32(), scheduler, label: `node ${id}` });
      return new GroupNode(id, ids, machine, this, options);
    });
  }

  elapse(millis: number): Promise<void> {
    return new Promise((resolve) => void this.scheduler.after(millis, "test", resolve));
  }

  async until(holds: () => boolean, what: string, millisMax = 120_000): Promise<void> {
    const end = this.scheduler.nowMillis + millisMax;
    while (!holds()) {
      assert.ok(this.scheduler.nowMillis <= end, `${what}, in ${millisMax} ms`);
      await this.elapse(50);
    }
  }
}

export class GroupNode {
  readonly id: number;
  readonly machine: SimMachine;
  readonly stores: Map<number, ReplicatedStore> = new Map();
  readonly #ids: readonly number[];
  readonly #cluster: GroupCluster;
  readonly #options: GroupClusterOptions;
  #env: SimMachine["env"];
  #host: RaftHost | undefined;
  #log: Log | undefined;
  #coordinator: Coordinator | undefined;
  failure: Error | undefined;
  isOpen = false;

  constructor(
    id: number,
    ids: readonly number[],
    machine: SimMachine,
    cluster: GroupCluster,
    options: GroupClusterOptions,
  ) {
    this.id = id;
    this.machine = machine;
    this.#ids = ids;
    this.#cluster = cluster;
    this.#options = options;
    this.#env = machine.env;
  }

  /** Of one start of the node. */
  get coordinator(): Coordinator {
    return this.#coordinator!;
  }

  store(key: Uint8Array): ReplicatedStore {
    return this.stores.get(groupOf(key, this.#options.groups))!;
  }

  async open(): Promise<void> {
    const env = this.#env;
    const onFatal = (error: Error): void => void (this.failure ??= error);
    this.failure = undefined;
    const log = await Log.open(env, { options: { segmentBytes: SEGMENT_BYTES }, onFatal: () => {} });
    const transport = this.#cluster.network.join(this.id);
    const host = await RaftHost.start({ nodeId: this.id, env, log, onFatal, transport });
    const { bugs, transactions, wrap = (one) => one, store } = this.#options;
    const stores = new Map<number, ReplicatedStore>();
    const of = (row: Uint8Array): Participant =>
      stores.get(groupOf(decodeAddress(row).key, this.#options.groups))!.participant;
    const participants: Participants = { of };
    await Promise.all(
      this.#cluster.groups.map(async (group) => {
        const beginsEmpty = this.#options.oneServes === true && group > 1;
        const opened = await openReplicatedStore({
          ...{ env, bugs, participants },
          options: { ...store, beginsEmpty, transactions, group, index: `index-${group}`, folder: `store-${group}` },
          openGroup: (machine, committedAtLeast) =>
            host.openGroup({ id: group, machine, committedAtLeast, founders: { voters: this.#ids } }),
        });
        stores.set(group, opened);
      }),
    );
    if (env !== this.#env) return;
    this.stores.clear();
    for (const [group, opened] of stores) this.stores.set(group, opened);
    const wrapped: Participants = { of: (row) => wrap(of(row)) };
    const { clock, timers, random } = env;
    this.#coordinator = new Coordinator({
      ...{ clock, timers, random, bugs },
      ...{ participants: wrapped, options: transactions },
    });
    this.#log = log;
    this.#host = host;
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
    this.#coordinator?.close();
    for (const store of this.stores.values()) await store[Symbol.asyncDispose]();
    await this.#host?.[Symbol.asyncDispose]();
    await this.#log?.close();
  }
}
