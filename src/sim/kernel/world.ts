import type { Timer } from "../../env/index.ts";
import {
  type LinkFaults,
  SimDatagrams,
  type SimDiskOptions,
  SimLinks,
  SimNetwork,
  SimScheduler,
} from "../../env/sim/index.ts";
import { AshlarError } from "../../std/errors.ts";
import type { Prng } from "../../std/prng.ts";
import { type NodeContext, SimNode, type Surroundings } from "./node.ts";
import type { Trace } from "./trace.ts";
import { Violation } from "./violation.ts";

/** What ended a run. */
export interface Failure {
  readonly violation: Violation;
  readonly atMillis: number;
  /** What was thrown where it was no Violation: an assertion, or an error that nobody expected. */
  readonly cause: unknown;
  /** Whose code threw it; `-` where it was the workload's own. */
  readonly who: string;
}

export interface WorldConditions {
  readonly network: Partial<LinkFaults>;
  readonly disk: Partial<SimDiskOptions>;
}

export interface WorldHooks {
  start(node: NodeContext): void | Promise<void>;
  describe(bytes: Uint8Array): string;
}

/** Machines, the network between them and the time that passes for all of them. Knows no faults and no workload. */
export class World implements Surroundings {
  readonly scheduler: SimScheduler;
  readonly links: SimLinks;
  readonly datagrams: SimDatagrams;
  /** Streams between the nodes' machines, over the same links. */
  readonly network: SimNetwork;
  readonly disk: Partial<SimDiskOptions>;
  readonly nodes: SimNode[] = [];
  readonly prng: Prng;
  readonly #trace: Trace | undefined;
  readonly #hooks: WorldHooks;
  #failure: Failure | undefined;

  constructor(prng: Prng, { network, disk }: WorldConditions, hooks: WorldHooks, trace: Trace | undefined) {
    this.#hooks = hooks;
    this.#trace = trace;
    this.scheduler = new SimScheduler();
    this.links = new SimLinks(prng.fork(), network);
    this.datagrams = new SimDatagrams(this.scheduler, this.links);
    this.disk = disk;
    this.prng = prng.fork();
    this.network = new SimNetwork(this.scheduler, this.links, prng.fork());
  }

  get nowMillis(): number {
    return this.scheduler.nowMillis;
  }

  get failure(): Failure | undefined {
    return this.#failure;
  }

  addNode(): SimNode {
    const node = new SimNode(this.nodes.length + 1, this);
    this.nodes.push(node);
    return node;
  }

  after(delayMillis: number, label: string, run: () => void): Timer {
    return this.scheduler.after(delayMillis, label, run);
  }

  started(node: NodeContext): void {
    try {
      const life = this.#hooks.start(node);
      if (life !== undefined) node.watch(life);
    } catch (error) {
      this.failed(error, node);
    }
  }

  /** The first violation counts. */
  failed(error: unknown, node?: NodeContext): void {
    // What a process does after its end, nobody sees.
    if (node?.isAlive === false && !(error instanceof Violation)) return;
    if (node !== undefined && error instanceof AshlarError) {
      node.exit(`gives up: ${error.message}`);
      return;
    }
    const violation = error instanceof Violation ? error : new Violation(textOf(error));
    const who = node === undefined ? "-" : `n${node.id}`;
    this.trace(who, "violate", () => violation.message);
    this.#failure ??= { violation, atMillis: this.nowMillis, cause: error, who };
  }

  get isTraced(): boolean {
    return this.#trace !== undefined;
  }

  trace(who: string, kind: string, what: () => string): void {
    this.#trace?.add({ timeMillis: this.nowMillis, who, kind, what: what() });
  }

  traceMessage(who: string, kind: string, whom: string, bytes: Uint8Array): void {
    this.trace(who, kind, () => `${whom}: ${this.#hooks.describe(bytes)}`);
  }
}

function textOf(error: unknown): string {
  if (error instanceof Error && error.name === "AssertionError") return error.message;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
