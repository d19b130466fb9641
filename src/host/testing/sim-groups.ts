import { type SimDiskOptions, SimMachine, SimScheduler } from "../../env/sim/index.ts";
import { text, utf8 } from "../../std/bytes.ts";
import { type MemoryMachine, memoryMachine } from "../memory-machine.ts";
import { RaftGroup } from "../raft-group.ts";
import type { RaftGroupOptions } from "../raft-group-options.ts";
import type { StateMachine } from "../state-machine.ts";
import { MemoryNetwork } from "../transport/memory-network.ts";
import { simStorage } from "./sim-storage.ts";

export interface SimMember<Machine, Result> {
  readonly id: number;
  readonly computer: SimMachine;
  /** The user's machine, of the life that runs. */
  machine: Machine;
  group: RaftGroup<Result>;
  fatal: Error | undefined;
}

export interface SimGroupsOptions<Machine, Result> {
  /** A new machine, for the member's next life. */
  readonly machine: (id: number, computer: SimMachine) => Machine | Promise<Machine>;
  /** What of it the group gets. */
  readonly replicated: (machine: Machine) => StateMachine<Result>;
  readonly group?: Partial<RaftGroupOptions<Result>>;
  readonly disk?: Partial<SimDiskOptions>;
  readonly seed?: number;
}

/** Members of one RaftGroup in virtual time, each on a computer that can lose its power. */
export class SimGroups<Machine, Result> implements AsyncDisposable {
  readonly scheduler: SimScheduler = new SimScheduler();
  readonly network: MemoryNetwork;
  readonly members: Map<number, SimMember<Machine, Result>> = new Map();
  readonly #options: SimGroupsOptions<Machine, Result>;
  readonly #founders: readonly number[];
  readonly #witnesses = new Set<number>();

  constructor(founders: readonly number[], options: SimGroupsOptions<Machine, Result>) {
    const { scheduler } = this;
    this.network = new MemoryNetwork({
      after: (delayMillis, run) => scheduler.after(delayMillis, "network", run),
      endOfTurn: (run) => void scheduler.after(0.1, "network", run),
    });
    this.#options = options;
    this.#founders = founders;
  }

  static async start<Machine, Result>(
    founders: readonly number[],
    options: SimGroupsOptions<Machine, Result>,
  ): Promise<SimGroups<Machine, Result>> {
    const groups = new SimGroups(founders, options);
    for (const id of founders) await groups.settle(groups.add(id));
    return groups;
  }

  get all(): readonly SimMember<Machine, Result>[] {
    return [...this.members.values()];
  }

  member(id: number): SimMember<Machine, Result> {
    return this.members.get(id)!;
  }

  settle<T>(promise: Promise<T>): Promise<T> {
    return this.scheduler.settle(promise, 300_000);
  }

  elapse(millis: number): Promise<void> {
    return this.scheduler.run(this.scheduler.nowMillis + millis);
  }

  async until(holds: () => boolean): Promise<void> {
    for (let tries = 0; tries < 1200 && !holds(); tries++) await this.elapse(50);
    if (!holds()) throw new Error(`after 60 s: ${JSON.stringify(this.all.map(({ group }) => group.explain()))}`);
  }

  async leader(): Promise<SimMember<Machine, Result>> {
    const find = (): SimMember<Machine, Result> | undefined =>
      this.all.find(({ group, computer }) => computer.isRunning && group.isLeader);
    await this.until(() => find() !== undefined);
    return find()!;
  }

  async add(id: number, kind?: "witness"): Promise<SimMember<Machine, Result>> {
    const { disk = {}, seed = 0 } = this.#options;
    const label = `member ${id}`;
    if (kind === "witness") this.#witnesses.add(id);
    return this.#open(id, new SimMachine({ seed: seed * 100 + id, scheduler: this.scheduler, label, disk }));
  }

  /** Power fails. */
  crash(id: number): void {
    this.member(id).computer.crash();
    this.network.join(id);
  }

  async revive(id: number): Promise<SimMember<Machine, Result>> {
    const { computer } = this.member(id);
    computer.restart();
    return this.#open(id, computer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const running = this.all.filter(({ computer }) => computer.isRunning);
    await this.settle(Promise.all(running.map(({ group }) => group.close())));
  }

  async #open(id: number, computer: SimMachine): Promise<SimMember<Machine, Result>> {
    const { machine: make, replicated, group } = this.#options;
    const machine = await make(id, computer);
    const member = { id, computer, machine, fatal: undefined } as Partial<SimMember<Machine, Result>>;
    const opened = await RaftGroup.start<Result>({
      ...{ id, peers: this.#founders, storage: simStorage(computer), transport: this.network.join(id) },
      stateMachine: this.#witnesses.has(id) ? "witness" : replicated(machine),
      onFatal: (error) => void (member.fatal = error),
      ...group,
    });
    member.group = opened;
    this.members.set(id, member as SimMember<Machine, Result>);
    return this.member(id);
  }
}

/** Remembers commands; its result is how many it had seen before. */
export class Names implements MemoryMachine<number> {
  seen: string[] = [];
  restores = 0;

  apply(command: Uint8Array): number {
    return this.seen.push(text(command)) - 1;
  }

  snapshot(): Uint8Array {
    return utf8(JSON.stringify(this.seen));
  }

  restore(bytes: Uint8Array): void {
    this.seen = JSON.parse(text(bytes));
    this.restores++;
  }
}

export const NAMES: SimGroupsOptions<Names, number> = {
  machine: () => new Names(),
  replicated: (names) => memoryMachine(names),
};
