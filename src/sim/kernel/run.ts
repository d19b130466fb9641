import type { Timer } from "../../env/index.ts";
import { SimProcess } from "../../env/sim/index.ts";
import { assert } from "../../std/assert.ts";
import type { Prng } from "../../std/prng.ts";
import { type Client, SimClient } from "./client.ts";
import { History } from "./history.ts";
import type { SimNode } from "./node.ts";
import type { World } from "./world.ts";

/** What a workload has of the run that it is in. */
export class SimRun<Knobs extends object = object> {
  readonly seed: number;
  /** How many nodes there are at the start. */
  readonly size: number;
  readonly knobs: Knobs;
  /** Mistakes that are switched on. */
  readonly bugs: ReadonlySet<string>;
  /** The workload's own source of chance. */
  readonly prng: Prng;
  readonly history: History;
  readonly #world: World;
  readonly #nodesMax: number;
  #isFaulty = true;
  #clients = 0;

  constructor(
    world: World,
    parts: {
      readonly seed: number;
      readonly size: number;
      readonly knobs: Knobs;
      readonly bugs: ReadonlySet<string>;
      readonly prng: Prng;
      readonly nodesMax: number;
    },
  ) {
    this.#world = world;
    this.seed = parts.seed;
    this.size = parts.size;
    this.knobs = parts.knobs;
    this.bugs = parts.bugs;
    this.prng = parts.prng;
    this.#nodesMax = parts.nodesMax;
    this.history = new History(() => world.nowMillis);
  }

  get nowMillis(): number {
    return this.#world.nowMillis;
  }

  /** Those that have been there from the start, and those that were added since. */
  get nodes(): readonly SimNode[] {
    return this.#world.nodes;
  }

  /** False once the faults are over. */
  get isFaulty(): boolean {
    return this.#isFaulty;
  }

  get canAddNode(): boolean {
    return this.#world.nodes.length < this.#nodesMax;
  }

  /** One of the workload's spares joins: its machine is new and its process starts at once. */
  addNode(): SimNode {
    assert(this.canAddNode, "a workload has only so many spare nodes");
    const node = this.#world.addNode();
    node.start();
    return node;
  }

  after(delayMillis: number, label: string, run: () => void): Timer {
    return this.#world.after(delayMillis, label, run);
  }

  /** Again and again, at irregular times. */
  every(meanMillis: number, label: string, run: () => void): void {
    const prng = this.prng.fork();
    const again = (): void => {
      this.#world.after(meanMillis * 2 * prng.unit(), label, () => {
        run();
        again();
      });
    };
    again();
  }

  /** Somebody outside of the cluster, with a life of his own; he never crashes. What he throws is a violation. */
  client(life: (client: Client) => Promise<void>): void {
    const id = ++this.#clients;
    const process = new SimProcess(this.#world.scheduler, `c${id}`);
    const client = new SimClient(id, process, this.prng.fork(), this.#world);
    life(client).catch((error) => this.#world.failed(error));
  }

  /** From callbacks that nobody looks after: as if it had been thrown. */
  fail(error: unknown): void {
    this.#world.failed(error);
  }

  get isTraced(): boolean {
    return this.#world.isTraced;
  }

  trace(who: string, kind: string, what: string): void {
    this.#world.trace(who, kind, () => what);
  }

  /** For the driver of the run. */
  healed(): void {
    this.#isFaulty = false;
  }
}
