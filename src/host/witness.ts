import type { RaftLogGroup } from "./raft-log.ts";
import type { Entry, StateMachine } from "./state-machine.ts";

/**
 * What a witness has in place of a machine: it votes and acknowledges, and holds neither commands nor state. Its log may
 * be given up as soon as it is applied.
 */
export class Witness<Result> implements StateMachine<Result> {
  #appliedIndex: number;

  constructor(state: RaftLogGroup) {
    this.#appliedIndex = state.compaction.index;
  }

  get appliedIndex(): number {
    return this.#appliedIndex;
  }

  get isDurable(): true {
    return true;
  }

  apply(entries: readonly Entry[]): readonly (readonly Result[])[] {
    this.#appliedIndex = entries.at(-1)!.index;
    return entries.map(() => []);
  }

  /** A snapshot without bytes: the group goes on behind it. */
  skipTo(index: number): void {
    this.#appliedIndex = index;
  }
}
