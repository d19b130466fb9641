import type { Env, Timer } from "../../env/index.ts";
import {
  type SimDatagrams,
  type SimDiskOptions,
  SimMachine,
  type SimNetwork,
  type SimProcess,
  type SimScheduler,
} from "../../env/sim/index.ts";
import type { Prng } from "../../std/prng.ts";

/** How long a process that gave up stays down before something starts it again. */
const SUPERVISOR_MILLIS = [50, 1_500] as const;

/** What one run of a node's process has of the world. After its end nothing that it does has any effect. */
export interface NodeContext {
  /** From 1. */
  readonly id: number;
  readonly env: Env;
  /** 1 at the first start. */
  readonly starts: number;
  /** A disk of this node was lost once: what is not on the present one may have been on that. */
  readonly hasLostDisk: boolean;
  readonly isAlive: boolean;
  /** To another node's endpoint: may come late, twice, in another order, or never. The bytes must not change any more. */
  send(to: number, bytes: Uint8Array): void;
  /** What comes for this process goes to the function; what came before it was given is lost. */
  receive(handle: (from: number, bytes: Uint8Array) => void): void;
  /** A task of the process: an AshlarError that it rejects with ends the process, everything else is a violation. */
  watch(task: Promise<unknown>): void;
  /** Ends the process, as it would end itself where it can not go on. It is started again later. */
  exit(reason: string): void;
  /** Whether a trace is wanted: making a line costs, so ask first. */
  readonly isTraced: boolean;
  trace(kind: string, what: string): void;
}

/** What a node is in. */
export interface Surroundings {
  readonly scheduler: SimScheduler;
  readonly datagrams: SimDatagrams;
  readonly network: SimNetwork;
  readonly disk: Partial<SimDiskOptions>;
  readonly prng: Prng;
  readonly isTraced: boolean;
  after(delayMillis: number, label: string, run: () => void): Timer;
  /** A process has been made: the workload's code runs in it. */
  started(node: NodeContext): void;
  /** An operating error ends the process that it comes from; everything else is a violation. */
  failed(error: unknown, node?: NodeContext): void;
  trace(who: string, kind: string, what: () => string): void;
  traceMessage(who: string, kind: string, whom: string, bytes: Uint8Array): void;
}

/** A machine with its place in the network. Processes come and go on it. */
export class SimNode {
  readonly id: number;
  readonly name: string;
  readonly machine: SimMachine;
  readonly #world: Surroundings;
  #starts = 0;
  #hasLostDisk = false;
  #isUp = false;
  /** Counts ends, so that a start that was planned for an earlier one is passed over. */
  #ends = 0;

  constructor(id: number, world: Surroundings) {
    this.id = id;
    this.name = `n${id}`;
    this.#world = world;
    this.machine = new SimMachine({
      seed: world.prng.u32(),
      scheduler: world.scheduler,
      label: this.name,
      network: world.network,
      endpoint: id,
      disk: world.disk,
    });
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  get starts(): number {
    return this.#starts;
  }

  /** Takes effect at once; nothing where the node runs already. */
  start(): void {
    if (this.#isUp) return;
    const { machine } = this;
    if (!machine.isRunning) machine.restart();
    this.#isUp = true;
    this.#starts++;
    const context = new RunningNode(this, this.#world, machine, {
      starts: this.#starts,
      hasLostDisk: this.#hasLostDisk,
    });
    this.#world.trace(this.name, "start", () => `for the ${context.starts}. time`);
    this.#world.started(context);
  }

  crash(): void {
    if (!this.#end("crash", "loses power")) return;
    this.machine.crash();
  }

  kill(): void {
    if (!this.#end("kill", "is killed")) return;
    this.machine.kill();
  }

  /** Power fails and the disk is gone with it. */
  loseDisk(): void {
    if (this.#isUp) this.crash();
    this.#world.trace(this.name, "wipe", () => "loses its disk");
    this.machine.wipe();
    this.#hasLostDisk ||= this.#starts > 0;
  }

  pause(millis: number): void {
    if (!this.#isUp) return;
    this.#world.trace(this.name, "pause", () => `stands still for ${millis} ms`);
    this.machine.pause(millis);
  }

  /** The process goes on at once where it stands still. */
  resume(): void {
    if (this.#isUp) this.machine.process.resume();
  }

  exit(reason: string): void {
    if (!this.#end("exit", reason)) return;
    this.machine.kill();
    const [least, most] = SUPERVISOR_MILLIS;
    this.startAfter(least + this.#world.prng.unit() * (most - least));
  }

  startAfter(millis: number): void {
    const ends = this.#ends;
    this.#world.after(millis, `${this.name} start`, () => {
      if (ends === this.#ends) this.start();
    });
  }

  #end(kind: string, how: string): boolean {
    if (!this.#isUp) return false;
    this.#isUp = false;
    this.#ends++;
    this.#world.trace(this.name, kind, () => how);
    return true;
  }
}

class RunningNode implements NodeContext {
  readonly id: number;
  readonly env: Env;
  readonly starts: number;
  readonly hasLostDisk: boolean;
  readonly #node: SimNode;
  readonly #world: Surroundings;
  readonly #process: SimProcess;

  constructor(
    node: SimNode,
    world: Surroundings,
    machine: SimMachine,
    { starts, hasLostDisk }: { readonly starts: number; readonly hasLostDisk: boolean },
  ) {
    this.id = node.id;
    this.env = machine.env;
    this.starts = starts;
    this.hasLostDisk = hasLostDisk;
    this.#node = node;
    this.#world = world;
    this.#process = machine.process;
  }

  get isAlive(): boolean {
    return this.#process.isAlive;
  }

  get isTraced(): boolean {
    return this.#world.isTraced;
  }

  send(to: number, bytes: Uint8Array): void {
    if (!this.#process.isAlive) return;
    if (this.#world.isTraced) this.#world.traceMessage(this.#node.name, "send", `to n${to}`, bytes);
    this.#world.datagrams.send(this.id, to, bytes);
  }

  receive(handle: (from: number, bytes: Uint8Array) => void): void {
    if (!this.#process.isAlive) return;
    const world = this.#world;
    world.datagrams.attach(
      this.id,
      (from, bytes) => {
        if (world.isTraced) world.traceMessage(this.#node.name, "receive", `from n${from}`, bytes);
        handle(from as number, bytes);
      },
      this.#process,
    );
  }

  watch(task: Promise<unknown>): void {
    task.catch((error) => this.#world.failed(error, this));
  }

  exit(reason: string): void {
    if (this.#process.isAlive) this.#node.exit(reason);
  }

  trace(kind: string, what: string): void {
    this.#world.trace(this.#node.name, kind, () => what);
  }
}
