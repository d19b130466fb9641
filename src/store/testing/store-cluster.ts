import assert from "node:assert/strict";
import { SimClock, type SimEnvOptions, SimMachine, SimProcess, SimScheduler, SimTimers } from "../../env/sim/index.ts";
import { MemoryNetwork } from "../../host/index.ts";
import { Prng } from "../../std/prng.ts";
import { GroupCalls } from "../ranges/group-calls.ts";
import { RemoteGroup, type RemoteGroupOptions } from "../ranges/remote-group.ts";
import { CallingTransport } from "./calling-transport.ts";
import { type HostOptions, SimStore } from "./hosted-store.ts";

export interface ClusterOptions extends HostOptions {
  readonly seed: number;
  readonly scheduler?: SimScheduler;
  readonly sim?: Omit<SimEnvOptions, "seed" | "scheduler" | "label">;
  /** A frame takes up to so long. */
  readonly delayMillisMax?: number;
}

export const NODES: readonly number[] = [1, 2, 3];

export const OUTSIDER = 9;

export type Outsider = RemoteGroup & AsyncDisposable;

/** A Store on three simulated machines, each of which can lose its power or its network. */
export class StoreCluster implements AsyncDisposable {
  readonly scheduler: SimScheduler;
  readonly network: MemoryNetwork;
  readonly nodes: ReadonlyMap<number, SimStore>;

  static async start(options: ClusterOptions): Promise<StoreCluster> {
    const cluster = new StoreCluster(options);
    await Promise.all([...cluster.nodes.values()].map((node) => node.open()));
    return cluster;
  }

  constructor({ seed, sim = {}, delayMillisMax = 0.2, ...options }: ClusterOptions) {
    const prng = new Prng(seed);
    const scheduler = options.scheduler ?? new SimScheduler();
    this.scheduler = scheduler;
    this.network = new MemoryNetwork({
      after: (delayMillis, run) => scheduler.after(delayMillis, "network", run),
      endOfTurn: (run) => void scheduler.after(0.1 + prng.unit() * delayMillisMax, "network", run),
    });
    const nodes = new Map<number, SimStore>();
    for (const nodeId of NODES) {
      const machine = new SimMachine({ ...sim, seed: prng.u32(), scheduler, label: `node ${nodeId}` });
      const member = { nodeId, voters: NODES, connect: () => this.network.join(nodeId) };
      nodes.set(nodeId, new SimStore(machine, { ...options, member }));
    }
    this.nodes = nodes;
  }

  node(id: number): SimStore {
    return this.nodes.get(id)!;
  }

  get all(): readonly SimStore[] {
    return [...this.nodes.values()];
  }

  /** The group as a node sees it that is no member of it. */
  async outsider(options: Partial<RemoteGroupOptions> = {}): Promise<Outsider> {
    const clock = new SimClock(this.scheduler);
    const timers = new SimTimers(new SimProcess(this.scheduler, "outsider"), clock);
    const transport = new CallingTransport(this.network.join(OUTSIDER), timers, () => true);
    await transport.start({ receive: () => {}, unreachable: () => {} });
    const calls = new GroupCalls(transport, timers);
    const store = new RemoteGroup({ group: 1, calls, clock, timers, members: () => NODES, options });
    return Object.assign(store, { [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose]() });
  }

  elapse(millis: number): Promise<void> {
    return new Promise((resolve) => void this.scheduler.after(millis, "test", resolve));
  }

  /** Resolves once it holds. */
  async until(holds: () => boolean, what: string, millisMax = 60_000): Promise<void> {
    const end = this.scheduler.nowMillis + millisMax;
    while (!holds()) {
      assert.ok(this.scheduler.nowMillis <= end, `${what}, in ${millisMax} ms`);
      await this.elapse(20);
    }
  }

  async leader(): Promise<SimStore> {
    await this.until(() => this.all.some(({ isLeader }) => isLeader), "a node leads");
    return this.all.find(({ isLeader }) => isLeader)!;
  }

  async follower(): Promise<SimStore> {
    await this.leader();
    return this.all.find(({ isLeader }) => !isLeader)!;
  }

  async reopenAll(): Promise<void> {
    await Promise.all(this.all.map((node) => node.close()));
    await Promise.all(this.all.map((node) => node.open()));
  }

  /** All machines lose their power at once, and start again. */
  async crashAll(): Promise<void> {
    for (const node of this.all) node.losePower();
    await Promise.all(this.all.map((node) => node.open()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.all.map((node) => node.close()));
  }
}
