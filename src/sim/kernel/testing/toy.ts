import { text, utf8 } from "../../../std/bytes.ts";
import type { NodeContext } from "../node.ts";
import type { SimRun } from "../run.ts";
import { Violation } from "../violation.ts";
import type { Scenario, Workload } from "../workload.ts";

export interface ToyParts {
  /** What a node does with what it is sent; it answers by default. */
  readonly start?: (node: NodeContext, run: SimRun) => void | Promise<void>;
  readonly begin?: (run: SimRun) => void;
  readonly permits?: () => boolean;
}

/**
 * Nodes that greet each other. With the bug `frail` a greeting from n1 that comes while n1 is down is a violation: it
 * takes a crash of n1 at the right moment, and no other fault.
 */
export function toyWorkload(workload: Partial<Workload> = {}, parts: ToyParts = {}): Workload {
  return {
    name: "toy",
    summary: "nodes that greet each other",
    seconds: 10,
    recoverySeconds: 5,
    nodes: [3, 5],
    faults: { crash: {}, pause: {}, partition: {}, "bad-network": {}, "clock-jump": {} },
    meanGapMillis: [100, 300],
    networkMillisMax: 20,
    bugs: { frail: "Nobody survives the greeting of the dead.", stuck: "Nobody greets once the faults are over." },
    draw: (draw) => ({ everyMillis: draw.integer(5, 20) }),
    open: (run) => new Toy(run, parts),
    ...workload,
  };
}

class Toy implements Scenario {
  readonly counts: Record<string, number> = { greetings: 0 };
  readonly #run: SimRun;
  readonly #parts: ToyParts;
  #greetedAfterwards = 0;

  constructor(run: SimRun, parts: ToyParts) {
    this.#run = run;
    this.#parts = parts;
  }

  start(node: NodeContext): void | Promise<void> {
    if (this.#parts.start !== undefined) return this.#parts.start(node, this.#run);
    node.receive((from, bytes) => this.#greeted(from, text(bytes)));
    this.#greet(node);
  }

  begin(): void {
    this.#parts.begin?.(this.#run);
  }

  permits(): boolean {
    return this.#parts.permits?.() ?? true;
  }

  missing(): string | undefined {
    return this.#greetedAfterwards >= 10 ? undefined : "nobody greets";
  }

  #greet(node: NodeContext): void {
    const { everyMillis } = this.#run.knobs as { readonly everyMillis: number };
    const isOver = !this.#run.isFaulty;
    const greeting = utf8(`hello from ${node.id}${isOver ? " again" : ""}`);
    const isSilent = isOver && this.#run.bugs.has("stuck");
    for (const { id } of this.#run.nodes) if (id !== node.id && !isSilent) node.send(id, greeting);
    node.env.timers.after(everyMillis, () => this.#greet(node));
  }

  #greeted(from: number, greeting: string): void {
    this.counts["greetings"]!++;
    if (greeting.endsWith("again")) this.#greetedAfterwards++;
    if (this.#run.bugs.has("frail") && from === 1 && !this.#run.nodes[0]!.isUp) {
      throw new Violation("a dead node greets", greeting);
    }
  }
}
