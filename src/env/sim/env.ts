import { assert } from "../../std/assert.ts";
import { Prng } from "../../std/prng.ts";
import type { Env } from "../env.ts";
import { InlineCompute } from "./compute.ts";
import { type DiskCopy, SimDisk } from "./disk.ts";
import type { SimDiskOptions } from "./disk-options.ts";
import { SimHttp } from "./http.ts";
import type { SimIndexOptions } from "./index-options.ts";
import { type IndexesCopy, SimIndexes } from "./indexes.ts";
import { type Endpoint, SimLinks } from "./links.ts";
import { type SimMountOptions, SimNetwork } from "./network.ts";
import { SimProcess } from "./process.ts";
import { SimRandom } from "./random.ts";
import { SimScheduler } from "./scheduler.ts";
import { SimClock, type SimClockOptions, SimTimers } from "./time.ts";

const HASHED_BYTES_PER_TURN = 65_536;

export interface SimEnvOptions {
  readonly seed: number;
  /** Shared by the machines of one simulation. */
  readonly scheduler?: SimScheduler;
  /** Names this machine in the trace. */
  readonly label?: string;
  /** Shared likewise. The machine's host name in it is its label. */
  readonly network?: SimNetwork;
  /** What its links are called, where that is not its label. */
  readonly endpoint?: Endpoint;
  /** The names in its certificate. */
  readonly certificateNames?: readonly string[];
  readonly disk?: Partial<SimDiskOptions>;
  readonly index?: Partial<SimIndexOptions>;
  readonly clock?: Partial<SimClockOptions>;
}

/** What lies on a machine's disk at a moment. */
export interface MachineData {
  readonly files: DiskCopy;
  readonly indexes: IndexesCopy;
}

/** A machine and the process that runs on it. The process comes and goes; disk, indexes and clock stay. */
export class SimMachine {
  readonly scheduler: SimScheduler;
  readonly clock: SimClock;
  readonly disk: SimDisk;
  readonly indexes: SimIndexes;
  readonly http: SimHttp = new SimHttp();
  readonly network: SimNetwork;
  readonly #label: string;
  readonly #mount: SimMountOptions;
  readonly #prng: Prng;
  #process: SimProcess;
  #env: Env;

  constructor(options: SimEnvOptions) {
    const prng = new Prng(options.seed);
    this.scheduler = options.scheduler ?? new SimScheduler();
    this.clock = new SimClock(this.scheduler, options.clock);
    this.disk = new SimDisk(options.disk, prng.fork());
    this.indexes = new SimIndexes(options.index, prng.fork());
    this.#label = options.label ?? "node";
    this.#mount = {
      certificateNames: options.certificateNames ?? [this.#label],
      endpoint: options.endpoint ?? this.#label,
    };
    this.#prng = prng.fork();
    // Drawn in either case: what comes after does not depend on whether other machines are there.
    const [links, streams] = [this.#prng.fork(), this.#prng.fork()];
    this.network = options.network ?? new SimNetwork(this.scheduler, new SimLinks(links), streams);
    this.#process = new SimProcess(this.scheduler, this.#label);
    this.#env = this.#makeEnv(this.#process);
  }

  /** What the process that runs now sees. After a crash it does nothing any more. */
  get env(): Env {
    return this.#env;
  }

  /** The run that `env` belongs to. */
  get process(): SimProcess {
    return this.#process;
  }

  get isRunning(): boolean {
    return this.#process.isAlive;
  }

  /** Power fails: the process ends in the middle of what it does, unsynced data is at stake. */
  crash(): void {
    this.#end("loses power");
    this.network.crash(this.#label);
    this.disk.crash();
    this.indexes.crash();
  }

  /** The process is killed, its machine goes on: written data is there, synced or not. */
  kill(): void {
    this.#end("is killed");
    this.network.kill(this.#label);
    this.disk.abandon();
    this.indexes.abandon();
  }

  /** The disk is gone with all that was on it, and an empty one stands in its place. No process runs. */
  wipe(): void {
    assert(!this.#process.isAlive, "a disk is not taken from a process that runs");
    this.scheduler.trace(`${this.#label} loses its disk`);
    this.disk.wipe();
    this.indexes.wipe();
  }

  /** As a copy of its folder would have it: of what a process has not written yet nothing is in it. */
  copyData(): MachineData {
    return { files: this.disk.copy(), indexes: this.indexes.copy() };
  }

  /** Another folder stands in the place of what was there. No process runs. */
  putData(data: MachineData): void {
    this.wipe();
    this.scheduler.trace(`${this.#label} gets other data`);
    this.disk.put(data.files);
    this.indexes.put(data.indexes);
  }

  /** Starts a new process on what the machine has. */
  restart(): Env {
    assert(!this.#process.isAlive, "a process is started where none runs");
    this.scheduler.trace(`${this.#label} starts`);
    this.#process = new SimProcess(this.scheduler, this.#label);
    this.#env = this.#makeEnv(this.#process);
    return this.#env;
  }

  /** The process stands still for so long; everything that should happen to it happens afterwards. */
  pause(millis: number): void {
    this.scheduler.trace(`${this.#label} stands still ${millis}`);
    this.#process.pause(millis);
  }

  #end(how: string): void {
    assert(this.#process.isAlive, "a process that ends was running");
    this.scheduler.trace(`${this.#label} ${how}`);
    this.#process.kill();
    this.http.crash();
  }

  #makeEnv(process: SimProcess): Env {
    const nextTurn = (): Promise<void> => {
      return new Promise((resolve) => process.after(0, "hash", resolve));
    };
    return {
      clock: this.clock,
      timers: new SimTimers(process, this.clock),
      random: new SimRandom(this.#prng.fork()),
      disk: this.disk.mount(process),
      indexes: this.indexes.mount(process),
      compute: new InlineCompute({ turnBytesMax: HASHED_BYTES_PER_TURN, nextTurn }),
      http: this.http.mount(process),
      network: this.network.mount(this.#label, process, this.#mount),
    };
  }
}

export function createSimEnv(options: SimEnvOptions): SimMachine {
  return new SimMachine(options);
}
