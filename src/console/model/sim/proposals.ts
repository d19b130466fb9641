// What clients proposed lately, and what became of it.

import type { Entry } from "../../../core/raft/index.ts";

export interface Proposal {
  readonly label: string;
  readonly node: number;
  /** Undefined until it is known to be committed. */
  readonly index: number | undefined;
  /** Nodes whose state machines have it. */
  readonly appliedBy: readonly number[];
  /** The node did not take it: it is in nobody's log. */
  readonly refusal: string | undefined;
}

export const PROPOSALS_MAX = 8;

export class Proposals {
  #made = 0;
  #newest: Proposal[] = [];

  /** The newest last. */
  get newest(): readonly Proposal[] {
    return this.#newest;
  }

  /** The name of the next value. */
  nextLabel(): string {
    return `v${++this.#made}`;
  }

  made(label: string, node: number, refusal: string | undefined): void {
    const proposal = { label, node, index: undefined, appliedBy: [], refusal };
    this.#newest = [...this.#newest, proposal].slice(-PROPOSALS_MAX);
  }

  applied(label: string, node: number, entry: Entry): void {
    this.#newest = this.#newest.map((each) =>
      each.label !== label || each.appliedBy.includes(node)
        ? each
        : { ...each, index: entry.index, appliedBy: [...each.appliedBy, node].sort((a, b) => a - b) },
    );
  }
}
