import assert from "node:assert/strict";
import type { Prng } from "../../std/prng.ts";

/** A machine of a simulated cluster that can be stopped and opened again. */
export interface FailingNode {
  readonly id: number;
  readonly isOpen: boolean;
  readonly failure: Error | undefined;
  readonly machine: { pause(millis: number): void };
  open(): Promise<void>;
  stop(how: "power" | "process"): void;
}

export interface FailingCluster {
  readonly nodes: readonly FailingNode[];
  readonly network: { isolate(id: number): void; heal(): void };
  elapse(millis: number): Promise<void>;
  until(holds: () => boolean, what: string): Promise<void>;
}

/** How long each fault lasts at most. */
export interface FaultLengths {
  readonly isolationMillisMax: number;
  readonly pauseMillisMax: number;
  readonly downMillisMax: number;
}

const QUIET_MILLIS_MAX = 1500;

/** Cuts, pauses, kills and power cuts of a cluster's machines, one behind the other, and their starts. */
export class MachineFaults {
  readonly #cluster: FailingCluster;
  readonly #prng: Prng;
  readonly #lengths: FaultLengths;
  #failure: unknown;
  stops = 0;

  constructor(cluster: FailingCluster, prng: Prng, lengths: FaultLengths) {
    this.#cluster = cluster;
    this.#prng = prng;
    this.#lengths = lengths;
  }

  startAll(): void {
    for (const node of this.#cluster.nodes) this.#start(node);
  }

  async allOpen(): Promise<void> {
    const { nodes } = this.#cluster;
    const areOpen = (): boolean => nodes.every(({ isOpen }) => isOpen);
    await this.#cluster.until(() => this.#failure !== undefined || areOpen(), "all are open");
    if (this.#failure !== undefined) throw this.#failure;
    for (const { failure } of nodes) assert.equal(failure, undefined);
  }

  async disturb(): Promise<void> {
    const [cluster, prng] = [this.#cluster, this.#prng];
    const { isolationMillisMax, pauseMillisMax, downMillisMax } = this.#lengths;
    await cluster.elapse(prng.below(QUIET_MILLIS_MAX));
    const node = prng.pick(cluster.nodes);
    const choice = prng.unit();
    if (choice < 0.35) {
      cluster.network.isolate(node.id);
      await cluster.elapse(prng.below(isolationMillisMax));
      cluster.network.heal();
      return;
    }
    if (choice < 0.5) {
      node.machine.pause(prng.below(pauseMillisMax));
      return;
    }
    const victims = (choice < 0.6 ? cluster.nodes : [node]).filter(({ isOpen }) => isOpen);
    for (const victim of victims) {
      this.stops++;
      victim.stop(prng.chance(0.7) ? "power" : "process");
    }
    await cluster.elapse(prng.below(downMillisMax));
    for (const victim of victims) this.#start(victim);
  }

  /** In the background: what is started may stop before it is open. */
  #start(node: FailingNode): void {
    node.open().catch((error: unknown) => (this.#failure ??= error));
  }
}
