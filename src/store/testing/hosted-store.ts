import type { Env } from "../../env/index.ts";
import {
  SimClock,
  SimDisk,
  type SimEnvOptions,
  SimIndexes,
  SimMachine,
  SimProcess,
  SimRandom,
  type SimScheduler,
  SimTimers,
} from "../../env/sim/index.ts";
import { type GroupEvent, RaftHost, type Transport } from "../../host/index.ts";
import { Log } from "../../log/index.ts";
import { Prng } from "../../std/prng.ts";
import { GroupCalls } from "../ranges/group-calls.ts";
import type { StoreGroup } from "../replicated/group.ts";
import { openReplicatedStore } from "../replicated/open.ts";
import type { ReplicatedOptions } from "../replicated/options.ts";
import type { ReplicatedStore } from "../replicated/replicated-store.ts";
import { CallingTransport } from "./calling-transport.ts";

export interface HostOptions {
  readonly store?: Partial<ReplicatedOptions>;
  /** Of the log; an entry takes up to 3/16 of it, and a commit is up to 1 MiB. */
  readonly segmentBytes?: number;
  /** Of a group of several; left out, the group has one member. */
  readonly member?: GroupMembership;
  readonly onEvent?: (event: GroupEvent) => void;
  /** Stands between the Store and its group, to watch or to disturb. */
  readonly wrapGroup?: (group: StoreGroup) => StoreGroup;
}

export interface GroupMembership {
  readonly nodeId: number;
  readonly voters: readonly number[];
  /** A new one for each start. */
  readonly connect: () => Transport;
}

type HostEnv = Pick<Env, "clock" | "timers" | "random" | "disk" | "indexes">;

const SEGMENT_BYTES = 8 * 1024 * 1024;

/** A log, a group of one and a Store on it, put together as the server does. */
export class HostedStore implements AsyncDisposable {
  env: HostEnv;
  readonly #options: HostOptions;
  #log: Log | undefined;
  #host: RaftHost | undefined;
  #store: ReplicatedStore | undefined;
  #failure: Error | undefined;
  /** The one that was opened last. */
  group: StoreGroup | undefined;

  static async start(env: HostEnv, options: HostOptions = {}): Promise<HostedStore> {
    const hosted = new HostedStore(env, options);
    await hosted.open();
    return hosted;
  }

  constructor(env: HostEnv, options: HostOptions) {
    this.env = env;
    this.#options = options;
  }

  /** The one that is open now. */
  get store(): ReplicatedStore {
    return this.#store!;
  }

  get isOpen(): boolean {
    return this.#store !== undefined;
  }

  get isLeader(): boolean {
    return this.group?.isLeader ?? false;
  }

  get log(): Log {
    return this.#log!;
  }

  /** What stopped the group since the last start; a server would have ended its process over it. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  async open(): Promise<ReplicatedStore> {
    const {
      segmentBytes = SEGMENT_BYTES,
      store: options,
      wrapGroup = (group) => group,
      member,
      onEvent,
    } = this.#options;
    const log = await Log.open(this.env, { options: { segmentBytes }, onFatal: () => {} });
    this.#failure = undefined;
    const onFatal = (error: Error): void => void (this.#failure = error);
    const nodeId = member?.nodeId ?? 1;
    const voters = member?.voters ?? [nodeId];
    const calling = member && this.#connect(member);
    const transport = calling && { transport: calling };
    const host = await RaftHost.start({
      nodeId,
      env: this.env,
      log,
      onFatal,
      ...transport,
      ...(onEvent && { onEvent }),
    });
    try {
      this.#store = await openReplicatedStore({
        env: this.env,
        calls: calling && new GroupCalls(calling, this.env.timers),
        openGroup: async (machine, committedAtLeast) => {
          this.group = wrapGroup(await host.openGroup({ id: 1, machine, committedAtLeast, founders: { voters } }));
          return this.group;
        },
        ...(options && { options }),
      });
      this.#log = log;
      this.#host = host;
      return this.#store;
    } catch (error) {
      await host[Symbol.asyncDispose]();
      await log.close();
      throw error;
    }
  }

  #connect(member: GroupMembership): CallingTransport {
    const { env } = this;
    return new CallingTransport(member.connect(), env.timers, () => this.env === env);
  }

  async close(): Promise<void> {
    await this.#store?.[Symbol.asyncDispose]();
    await this.#host?.[Symbol.asyncDispose]();
    await this.#log?.close();
    this.#store = undefined;
    this.#host = undefined;
    this.#log = undefined;
  }

  async reopen(): Promise<ReplicatedStore> {
    await this.close();
    return this.open();
  }

  /** Resolves when so much time of the environment has passed. */
  elapse(millis: number): Promise<void> {
    return new Promise((resolve) => this.env.timers.after(millis, resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** In virtual time, on a disk in memory that has no faults of its own and keeps no way back: the cheapest whole environment. */
export function calmEnv(scheduler: SimScheduler, disk: SimDisk = new SimDisk()): HostEnv {
  const clock = new SimClock(scheduler);
  const timers = new SimTimers(new SimProcess(scheduler, "node"), clock);
  const random = new SimRandom(new Prng(1));
  return { clock, timers, random, disk: disk.mount(), indexes: new SimIndexes().mount() };
}

/** A Store on a simulated machine that can lose its power. */
export class SimStore extends HostedStore {
  readonly machine: SimMachine;

  static async begin(sim: SimEnvOptions, options: HostOptions = {}): Promise<SimStore> {
    const started = new SimStore(new SimMachine(sim), options);
    await started.open();
    return started;
  }

  constructor(machine: SimMachine, options: HostOptions) {
    super(machine.env, options);
    this.machine = machine;
  }

  /** A power cut, and a start after it. */
  async crash(): Promise<ReplicatedStore> {
    this.losePower();
    return this.open();
  }

  losePower(): void {
    this.machine.crash();
    this.env = this.machine.restart();
  }

  /** The process ends, its machine goes on. */
  killProcess(): void {
    this.machine.kill();
    this.env = this.machine.restart();
  }
}
