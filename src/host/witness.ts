import { compactLog } from "./snapshots/group-snapshots.ts";
import type { Entry, StateMachine } from "./state-machine.ts";
import type { RaftLog, RaftLogGroup } from "./storage/raft-log.ts";

/** Of metadata that a witness keeps before it gives them up. */
const LOG_BYTES_MAX = 1024 * 1024;

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

/** Gives up what a witness has applied. */
export class WitnessLog {
  readonly #log: RaftLog;
  readonly #group: number;
  readonly #failed: (error: Error) => void;
  #isCompacting = false;

  constructor(log: RaftLog, group: number, failed: (error: Error) => void) {
    this.#log = log;
    this.#group = group;
    this.#failed = failed;
  }

  /** After entries were applied. */
  check(appliedIndex: number): void {
    if (this.#isCompacting || this.#log.group(this.#group).entryBytes < LOG_BYTES_MAX) return;
    this.#isCompacting = true;
    compactLog(this.#log, this.#group, appliedIndex)
      .catch(this.#failed)
      .finally(() => {
        this.#isCompacting = false;
      });
  }
}
