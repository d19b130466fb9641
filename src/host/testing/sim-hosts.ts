import { type SimDiskOptions, SimMachine, SimScheduler } from "../../env/sim/index.ts";
import { Log } from "../../log/index.ts";
import type { GroupEvent } from "../group-services.ts";
import type { HostedGroup } from "../hosted-group.ts";
import { type QuorumLossRepair, repairLostQuorum } from "../members/repair.ts";
import { type OpenGroupOptions, RaftHost } from "../raft-host.ts";
import { MemoryNetwork } from "../transport/memory-network.ts";
import { Recorder } from "./recorder.ts";

export interface SimNode {
  readonly id: number;
  readonly machine: SimMachine;
  recorder: Recorder;
  host: RaftHost;
  log: Log;
  group: HostedGroup<number>;
  failure: Error | undefined;
}

const SEGMENT_BYTES = 256 * 1024;
export const GROUP = 7;

/** Some nodes in virtual time, each with a disk that can lose its power, and one group on all of them. */
export class SimHosts implements AsyncDisposable {
  readonly scheduler: SimScheduler = new SimScheduler();
  readonly network: MemoryNetwork;
  readonly nodes: Map<number, SimNode> = new Map();
  readonly events: GroupEvent[] = [];
  readonly #group: Partial<OpenGroupOptions<number>>;
  readonly #disk: Partial<SimDiskOptions>;
  readonly #founders: readonly number[];

  constructor(
    founders: readonly number[],
    group: Partial<OpenGroupOptions<number>> = {},
    disk: Partial<SimDiskOptions> = {},
  ) {
    const { scheduler } = this;
    const timers = {
      after: (delayMillis: number, run: () => void) => scheduler.after(delayMillis, "network", run),
      endOfTurn: (run: () => void) => void scheduler.after(0.1, "network", run),
    };
    this.network = new MemoryNetwork(timers);
    this.#group = group;
    this.#disk = disk;
    this.#founders = founders;
  }

  static async start(
    founders: readonly number[],
    group: Partial<OpenGroupOptions<number>> = {},
    disk: Partial<SimDiskOptions> = {},
  ): Promise<SimHosts> {
    const hosts = new SimHosts(founders, group, disk);
    await hosts.settle(Promise.all(founders.map((id) => hosts.add(id))));
    return hosts;
  }

  node(id: number): SimNode {
    return this.nodes.get(id)!;
  }

  settle<T>(promise: Promise<T>): Promise<T> {
    return this.scheduler.settle(promise, 120_000);
  }

  elapse(millis: number): Promise<void> {
    return this.scheduler.run(this.scheduler.nowMillis + millis);
  }

  /** Runs until it holds. */
  async until(holds: () => boolean): Promise<void> {
    for (let tries = 0; tries < 600 && !holds(); tries++) await this.elapse(50);
    if (!holds())
      throw new Error(`after 30 s: ${JSON.stringify([...this.nodes.values()].map(({ group }) => group?.explain()))}`);
  }

  async leader(): Promise<SimNode> {
    const find = (): SimNode | undefined => [...this.nodes.values()].find(({ group }) => group?.isLeader);
    await this.until(() => find() !== undefined);
    return find()!;
  }

  async add(id: number, more: Partial<OpenGroupOptions<number>> = {}): Promise<SimNode> {
    const machine = new SimMachine({ seed: id, scheduler: this.scheduler, label: `node ${id}`, disk: this.#disk });
    return this.#open(id, machine, more);
  }

  /** Power fails and comes back. */
  async restart(id: number, more: Partial<OpenGroupOptions<number>> = {}): Promise<SimNode> {
    const { machine } = this.node(id);
    machine.crash();
    machine.restart();
    return this.#open(id, machine, more);
  }

  crash(id: number): void {
    this.node(id).machine.crash();
    this.network.join(id);
  }

  async revive(id: number): Promise<SimNode> {
    const { machine } = this.node(id);
    machine.restart();
    return this.#open(id, machine, {});
  }

  /** The node comes back with nothing. */
  async replaceDisk(id: number): Promise<SimNode> {
    this.node(id).machine.crash();
    return this.add(id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const running = [...this.nodes.values()].filter(({ machine }) => machine.isRunning);
    await this.settle(Promise.all(running.map(({ group }) => group?.[Symbol.asyncDispose]())));
    await this.settle(Promise.all(running.map(({ host }) => host[Symbol.asyncDispose]())));
    await this.settle(Promise.all(running.map(({ log }) => log.close())));
  }

  /** A witness is counted in, and asked for nothing. */
  async addWitness(id: number): Promise<SimNode> {
    const machine = new SimMachine({ seed: id, scheduler: this.scheduler, label: `node ${id}`, disk: this.#disk });
    const node = await this.#start(id, machine);
    const { founders } = this.#group;
    node.group = await node.host.openWitness({ id: GROUP, ...(founders && { founders }) });
    return node;
  }

  async repair(id: number, lost?: readonly number[]): Promise<QuorumLossRepair> {
    const { machine } = this.node(id);
    machine.restart();
    const { env } = machine;
    const log = await Log.open(env, { options: { segmentBytes: SEGMENT_BYTES }, onFatal: () => {} });
    const repair = {
      env,
      log,
      nodeId: id,
      group: GROUP,
      by: "a test",
      reason: "two disks burnt",
      ...(lost && { lost }),
    };
    const done = await repairLostQuorum(repair).finally(() => log.close());
    machine.crash();
    return done;
  }

  async #open(id: number, machine: SimMachine, more: Partial<OpenGroupOptions<number>>): Promise<SimNode> {
    const node = await this.#start(id, machine);
    node.group = await node.host.openGroup({
      ...{ id: GROUP, machine: node.recorder, founders: { voters: this.#founders } },
      ...this.#group,
      ...more,
    });
    return node;
  }

  /** A host without the group. */
  start(id: number): Promise<SimNode> {
    const machine = new SimMachine({ seed: id, scheduler: this.scheduler, label: `node ${id}`, disk: this.#disk });
    return this.#start(id, machine);
  }

  async #start(id: number, machine: SimMachine): Promise<SimNode> {
    const { env } = machine;
    const recorder = new Recorder();
    const node = { id, machine, recorder, failure: undefined } as SimNode;
    this.nodes.set(id, node);
    const onFatal = (error: Error): void => void (node.failure = error);
    const onEvent = (event: GroupEvent): void => void this.events.push(event);
    const options = { segmentBytes: SEGMENT_BYTES };
    node.log = await Log.open(env, { options, onFatal, onDamage: "set-aside" });
    const transport = this.network.join(id);
    node.host = await RaftHost.start({ nodeId: id, env, log: node.log, transport, onFatal, onEvent });
    return node;
  }
}
